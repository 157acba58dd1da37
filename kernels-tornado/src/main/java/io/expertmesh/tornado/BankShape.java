package io.expertmesh.tornado;

import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.failure.FailureException;

/**
 * What experts have in common that lie in the same arrays and are computed by the same compiled kernels.
 *
 * <p>The first matrix is up, then the gate's rows: (parts * size, hidden). The second is down: (hidden, size).
 *
 * @param wide format of the first matrix
 * @param down format of the second
 */
record BankShape(int hidden, int size, Activation activation, WeightFormat wide, WeightFormat down, boolean biases) {
  /**
   * @throws FailureException INVALID_REQUEST if the device cannot compute such an expert
   */
  static BankShape of(ExpertWeights weights) {
    WeightFormat wide = WeightFormat.of(weights.up());
    WeightMatrix gate = weights.gate();
    if (gate != null) {
      wide = wide.with(WeightFormat.of(gate));
    }
    return new BankShape(weights.hidden(), weights.size(), weights.activation(), wide,
        WeightFormat.of(weights.down()), weights.biases() != null);
  }

  /** Weight rows for each output of the hidden layer. */
  int parts() {
    return 1 + activation.gateWidth();
  }

  int wideRows() {
    return parts() * size;
  }

  /** Elements of the first matrix's array that an expert takes. */
  long wideElements() {
    return (long) wideRows() * wide.elements(hidden);
  }

  /** Elements of the second matrix's array that an expert takes. */
  long downElements() {
    return (long) hidden * down.elements(size);
  }

  int wideScales() {
    return wideRows() * wide.scales(hidden);
  }

  int downScales() {
    return hidden * down.scales(size);
  }

  int wideBiases() {
    return biases ? wideRows() : 0;
  }

  int downBiases() {
    return biases ? hidden : 0;
  }

  int wideRowFactors() {
    return wide.hasRowFactors() ? wideRows() : 0;
  }

  int downRowFactors() {
    return down.hasRowFactors() ? hidden : 0;
  }

  /** Scales, biases and row factors of an expert. */
  long factors() {
    return (long) wideScales() + downScales() + wideBiases() + downBiases() + wideRowFactors() + downRowFactors();
  }

  /** Whether the {@link TensorKernel}s can compute it. */
  boolean suitsTensorCores() {
    return wide != WeightFormat.F32 && down != WeightFormat.F32 && hidden % TensorKernel.DEPTH == 0
        && size % TensorKernel.DEPTH == 0;
  }

  /** Bytes of device memory that an expert takes. */
  long slotBytes() {
    return wideElements() * wide.elementBytes + downElements() * down.elementBytes + factors() * Float.BYTES;
  }

  /**
   * Experts whose arrays have no more than {@code arrayBytes} bytes and as many elements as an int can count.
   */
  int mostSlots(long arrayBytes) {
    long slots = Math.min(fitting(wideElements(), wide.elementBytes, arrayBytes),
        fitting(downElements(), down.elementBytes, arrayBytes));
    return (int) Math.min(slots, fitting(factors(), Float.BYTES, arrayBytes));
  }

  private static long fitting(long elements, int elementBytes, long arrayBytes) {
    long most = Math.min(Integer.MAX_VALUE, arrayBytes / elementBytes) - 64;
    return elements == 0 ? Integer.MAX_VALUE : most / elements;
  }
}
