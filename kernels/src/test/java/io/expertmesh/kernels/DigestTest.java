package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.Samples.Values;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Digests of output bits that are committed: any kernels on any CPU and JDK give these.
 *
 * <p>They change only when the definition of the exact arithmetic does, and then so do the answers of every model.
 */
@Tag("parity")
class DigestTest {
  private static final Map<String, String> COMMITTED = Map.ofEntries(Map.entry("F32", "483ee587"),
      Map.entry("F16", "93f38503"),
      Map.entry("BF16", "48dcc4e0"), Map.entry("Q8_0", "aa04db25"), Map.entry("Q4_0", "e9778daa"),
      Map.entry("Q4_1", "118ba36d"),
      Map.entry("Q5_0", "3eeda382"), Map.entry("Q5_1", "b195eb1b"), Map.entry("Q4_K", "31f1cc25"),
      Map.entry("Q5_K", "5c780b1e"), Map.entry("Q6_K", "514286af"), Map.entry("MXFP4", "eb63b9f5"),
      Map.entry("F4_E2M1", "e4fa5dd2"), Map.entry("F8_E4M3", "d687d4a8"), Map.entry("F8_E8M0", "3b51481e"),
      Map.entry("rmsNorm", "f606fe47"),
      Map.entry("softmax", "14ee992a"), Map.entry("gatedSilu", "486644bd"), Map.entry("rotateHalf", "ac4ac085"),
      Map.entry("addScaled", "c4a7df95"), Map.entry("attention", "bbe151bb"));

  @Test
  void bitsAreThoseThatWereCommitted() {
    Kernels kernels = KernelsUnderTest.get();
    Map<String, String> digests = new LinkedHashMap<>();
    for (DType dtype : DType.values()) {
      digests.put(dtype.name(), digest(products(kernels, dtype)));
    }
    Samples samples = new Samples(2);
    int n = 704;
    float[] x = samples.floats(n, Values.ORDINARY);
    float[] other = samples.floats(n, Values.ORDINARY);
    for (int i = 0; i < n; i++) {
      x[i] *= 20f;
    }
    float[] y = x.clone();
    kernels.rmsNorm(y, 0, other, 1e-5f, y, 0);
    digests.put("rmsNorm", digest(y));
    y = x.clone();
    kernels.softmax(y, 0, n);
    digests.put("softmax", digest(y));
    y = other.clone();
    kernels.gatedSilu(x, 0, y, 0, n);
    digests.put("gatedSilu", digest(y));
    y = x.clone();
    kernels.rotateHalf(y, 0, n, other, other, n / 2);
    digests.put("rotateHalf", digest(y));
    y = x.clone();
    kernels.addScaled(y, 0, other, 0, 0.3f, n);
    digests.put("addScaled", digest(y));
    digests.put("attention", digest(attention(kernels, samples)));

    assertThat(digests).containsExactlyInAnyOrderEntriesOf(COMMITTED);
  }

  private static float[] products(Kernels kernels, DType dtype) {
    int cols = 2048;
    int rows = 20;
    int n = 7;
    Samples samples = new Samples(1);
    Matrix weight = kernels.prepare(samples.matrix(dtype, rows, cols, Values.ORDINARY));
    float[] x = samples.floats(n * cols, Values.ORDINARY);
    float[] out = new float[n * rows];
    kernels.matmul(weight, 0, rows, x, 0, cols, n, out, 0, rows);
    return out;
  }

  private static float[] attention(Kernels kernels, Samples samples) {
    int headDim = 128;
    int pageTokens = 16;
    int positions = 150;
    float[][] keys = new float[10][];
    float[][] values = new float[10][];
    for (int page = 0; page < keys.length; page++) {
      keys[page] = samples.floats(pageTokens * headDim, Values.ORDINARY);
      values[page] = samples.floats(pageTokens * headDim, Values.ORDINARY);
    }
    float[] out = new float[headDim];
    float[] scores = new float[positions - 3];
    kernels.scores(samples.floats(headDim, Values.ORDINARY), 0, headDim, keys, pageTokens, 0, 3, positions, 0.25f,
        scores);
    kernels.softmax(scores, 0, scores.length);
    kernels.weightedSum(scores, values, pageTokens, 0, headDim, headDim, 3, positions, out, 0);
    return out;
  }

  private static String digest(float[] values) {
    CRC32C crc = new CRC32C();
    for (float value : values) {
      int bits = Float.floatToIntBits(value);
      for (int shift = 0; shift < 32; shift += 8) {
        crc.update(bits >> shift);
      }
    }
    return HexFormat.of().toHexDigits(crc.getValue(), 8);
  }
}
