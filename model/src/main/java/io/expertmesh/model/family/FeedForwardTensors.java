package io.expertmesh.model.family;

import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import io.expertmesh.model.family.TensorNames.FeedForwardNames;
import io.expertmesh.model.family.TensorNames.MoeNames;

/** The ways in which checkpoints store feed-forward networks. */
final class FeedForwardTensors {
  private final TensorSource tensors;
  private final int hidden;

  FeedForwardTensors(TensorSource tensors, int hidden) {
    this.tensors = tensors;
    this.hidden = hidden;
  }

  /** The network whose matrices are {@code prefix + name + ".weight"}. */
  StoredFeedForward dense(String prefix, FeedForwardNames names, FeedForward network) {
    int size = network.size();
    int gate = size * network.activation().gateWidth();
    return new StoredFeedForward(network.activation(),
        gate == 0 ? null : matrix(prefix + names.gate(), gate, hidden),
        matrix(prefix + names.up(), size, hidden),
        matrix(prefix + names.down(), hidden, size),
        network.bias()
            ? new Biases(gate == 0 ? null : tensors.vector(prefix + names.gate() + ".bias", gate),
                tensors.vector(prefix + names.up() + ".bias", size),
                tensors.vector(prefix + names.down() + ".bias", hidden))
            : null);
  }

  private StoredMatrix matrix(String name, int rows, int cols) {
    return StoredMatrix.plain(tensors.stored(name + ".weight", rows, cols));
  }

  /**
   * Expert {@code id} of a layer, from whichever of these the checkpoint has under {@code prefix}:
   * <ul>
   *   <li>{@code experts.E.}, or what is between prefix and number otherwise, and the names of a network;
   *   <li>{@code experts.gate_up_proj} (E, 2I, H), gate rows first, and {@code experts.down_proj} (E, H, I); for
   *   gpt-oss (E, H, 2I), gate and up in turn, and (E, I, H), or in MXFP4 (E, 2I, H) and (E, H, I), with
   *   {@code _bias} beside each;
   *   <li>{@code experts.gate_proj}, {@code experts.up_proj} (E, I, H) and {@code experts.down_proj} (E, H, I), as GGUF
   *   files have them;
   *   <li>{@code input_linear.weight} (E, 2I, H), gate rows first, and {@code output_linear.weight} (E, H, I): Granite;
   *   <li>{@code experts.wi_gate} (E, H, gate's outputs), {@code experts.wi_up} (E, H, I) and {@code experts.wo}
   *   (E, I, H), inputs first: OpenMoE.
   * </ul>
   *
   * @param prefix of the mixture, with a dot at its end
   */
  StoredFeedForward expert(String prefix, MoeNames names, MixtureOfExperts moe, int id) {
    String experts = prefix + names.experts();
    if (tensors.has(experts + ".gate_up_proj")) {
      return moe.expert().activation() instanceof Activation.ClampedSwish
          ? interleaved(experts, moe, id)
          : fused(experts + ".gate_up_proj", experts + ".down_proj", moe, id);
    }
    if (tensors.has(prefix + "input_linear.weight")) {
      return fused(prefix + "input_linear.weight", prefix + "output_linear.weight", moe, id);
    }
    int size = moe.expert().size();
    if (tensors.has(experts + ".gate_proj")) {
      return new StoredFeedForward(moe.expert().activation(),
          StoredMatrix.plain(stacked(experts + ".gate_proj", id, moe, size, hidden)),
          StoredMatrix.plain(stacked(experts + ".up_proj", id, moe, size, hidden)),
          StoredMatrix.plain(stacked(experts + ".down_proj", id, moe, hidden, size)),
          moe.expert().bias() ? stackedBiases(experts, moe, id) : null);
    }
    if (tensors.has(experts + ".wi_gate")) {
      int gate = size * moe.expert().activation().gateWidth();
      return new StoredFeedForward(moe.expert().activation(),
          StoredMatrix.transposed(stacked(experts + ".wi_gate", id, moe, hidden, gate)),
          StoredMatrix.transposed(stacked(experts + ".wi_up", id, moe, hidden, size)),
          StoredMatrix.transposed(stacked(experts + ".wo", id, moe, size, hidden)), null);
    }
    return dense(experts + names.each() + id + ".", names.expert(), moe.expert());
  }

  /** Gate rows, then up rows. */
  private StoredFeedForward fused(String gateUpName, String downName, MixtureOfExperts moe, int id) {
    int size = moe.expert().size();
    StoredMatrix gateUp = StoredMatrix.plain(stacked(gateUpName, id, moe, 2 * size, hidden));
    return new StoredFeedForward(moe.expert().activation(), gateUp.take(0, 1, size), gateUp.take(size, 1, size),
        StoredMatrix.plain(stacked(downName, id, moe, hidden, size)), null);
  }

  /** Gate and up in turn: plain formats with the inputs first, blocks, which run along the inputs, with the outputs. */
  private StoredFeedForward interleaved(String experts, MixtureOfExperts moe, int id) {
    int size = moe.expert().size();
    String gateUpName = experts + ".gate_up_proj";
    String downName = experts + ".down_proj";
    StoredMatrix gateUp = tensors.inBlocks(gateUpName)
        ? StoredMatrix.plain(stacked(gateUpName, id, moe, 2 * size, hidden))
        : StoredMatrix.transposed(stacked(gateUpName, id, moe, hidden, 2 * size));
    StoredMatrix down = tensors.inBlocks(downName)
        ? StoredMatrix.plain(stacked(downName, id, moe, hidden, size))
        : StoredMatrix.transposed(stacked(downName, id, moe, size, hidden));
    return new StoredFeedForward(moe.expert().activation(), gateUp.take(0, 2, size), gateUp.take(1, 2, size), down,
        interleavedBiases(experts, moe, id));
  }

  private Biases stackedBiases(String experts, MixtureOfExperts moe, int id) {
    int size = moe.expert().size();
    return new Biases(tensors.vector(experts + ".gate_proj_bias", id, moe.experts(), size),
        tensors.vector(experts + ".up_proj_bias", id, moe.experts(), size),
        tensors.vector(experts + ".down_proj_bias", id, moe.experts(), hidden));
  }

  private Biases interleavedBiases(String experts, MixtureOfExperts moe, int id) {
    int size = moe.expert().size();
    float[] gateUp = tensors.vector(experts + ".gate_up_proj_bias", id, moe.experts(), 2 * size);
    float[] gate = new float[size];
    float[] up = new float[size];
    for (int i = 0; i < size; i++) {
      gate[i] = gateUp[2 * i];
      up[i] = gateUp[2 * i + 1];
    }
    return new Biases(gate, up, tensors.vector(experts + ".down_proj_bias", id, moe.experts(), hidden));
  }

  private WeightMatrix stacked(String name, int id, MixtureOfExperts moe, int rows, int cols) {
    return tensors.stacked(name, id, moe.experts(), rows, cols);
  }
}
