package io.expertmesh.tornado;

import io.expertmesh.kernels.WeightMatrix;
import java.util.List;

/** Goes through the rows of matrices that lie below each other on the device, a piece at a time. */
final class MatrixReader {
  private final List<WeightMatrix> matrices;
  private final WeightFormat format;
  private final RowEncoder encoder;
  private final DeviceArray array;
  private final int elements;
  private final int scalesOfRow;
  private final float[] factors;
  private int scalesAt;
  private int rowFactorsAt;
  private int matrix;
  private int row;
  private long at;

  /**
   * @param at the element of the array where the first row goes
   * @param factors from {@code scalesAt} on for the scales of all rows, from {@code rowFactorsAt} on for their row
   *     factors
   */
  MatrixReader(List<WeightMatrix> matrices, WeightFormat format, RowEncoder encoder, DeviceArray array, long at,
      float[] factors, int scalesAt, int rowFactorsAt) {
    this.matrices = matrices;
    this.format = format;
    this.encoder = encoder;
    this.array = array;
    this.at = at;
    this.elements = format.elements(matrices.getFirst().cols());
    this.scalesOfRow = format.scales(matrices.getFirst().cols());
    this.factors = factors;
    this.scalesAt = scalesAt;
    this.rowFactorsAt = rowFactorsAt;
  }

  boolean hasMore() {
    return matrix < matrices.size();
  }

  /** Writes the next rows to the array's piece and aims it; nothing if there are no more. */
  void next() {
    int count = 0;
    while (hasMore() && count + elements <= array.capacity()) {
      encoder.encode(matrices.get(matrix), row, format, array.piece(), (long) count * format.elementBytes, factors,
          scalesAt);
      if (format.hasRowFactors()) {
        factors[rowFactorsAt++] = format.rowFactor(factors, scalesAt, scalesOfRow);
      }
      count += elements;
      scalesAt += scalesOfRow;
      row++;
      if (row == matrices.get(matrix).rows()) {
        row = 0;
        matrix++;
      }
    }
    if (count == 0 && hasMore()) {
      throw new IllegalStateException("a row of %d elements is more than a piece of %d".formatted(elements,
          array.capacity()));
    }
    array.aim(at, count);
    at += count;
  }
}
