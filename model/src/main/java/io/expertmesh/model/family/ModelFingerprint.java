package io.expertmesh.model.family;

import io.expertmesh.kernels.ExactMath;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.decoder.FeedForwardWeights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What decides the numbers that a model's experts compute. Two processes that opened the same files in the same way have
 * the same, whichever experts they hold.
 *
 * @param version for people; by default the first 12 digits of a digest over the whole checkpoint
 * @param shape family and sizes, such as {@code olmoe layers=16 experts=64 hidden=2048 expert=1024}
 * @param dtype of the model's expert weights, such as {@code q8_0}; several are joined by {@code +}
 * @param heldDtype the type that this process holds them in, which may be another
 * @param numerics {@code exact} or {@code fast}
 * @param arithmetic the definition by which results follow from the model's weights, bit for bit; empty if they follow
 *     none
 * @param expertDigests by expert id: 32 hexadecimal digits over the expert's matrices in all layers: their names,
 *     shapes, types and a sample of their bytes as the files have them, and the model's type of each. The sample
 *     is {@value #SAMPLES} blocks of {@value #SAMPLE_BYTES} bytes of each matrix, evenly spaced, the first and the last
 *     among them: it tells checkpoints apart, and is no proof that every byte is the same.
 */
public record ModelFingerprint(String version, String shape, String dtype, String heldDtype, String numerics,
    String arithmetic, List<String> expertDigests) {
  static final int SAMPLES = 4;
  static final int SAMPLE_BYTES = 256;
  private static final int DIGEST_BYTES = 16;
  private static final int VERSION_DIGITS = 12;

  public ModelFingerprint {
    expertDigests = List.copyOf(expertDigests);
  }

  /**
   * Reads a few pages of every matrix.
   *
   * @param computed what the kernels or the device that computes promises
   * @param numerics what a gateway demands, or an expert process promises
   * @param version null for the default
   */
  public static ModelFingerprint of(ModelExperts experts, Numerics computed, Numerics numerics,
      @Nullable String version) {
    List<String> digests = new ArrayList<>();
    for (int id = 0; id < experts.experts(); id++) {
      digests.add(expert(experts, id));
    }
    return new ModelFingerprint(version == null ? wholeDigest(experts.checkpoint(), digests) : version,
        shape(experts.architecture()), experts.dtype(), experts.heldDtype(), numerics.label(),
        computed == Numerics.EXACT && !experts.isConverted() ? ExactMath.DEFINITION : "", digests);
  }

  private static String shape(Architecture model) {
    return "%s layers=%d experts=%d hidden=%d expert=%d".formatted(model.modelType(), model.blocks().size(),
        model.experts(), model.hiddenSize(), model.mixture().map(moe -> moe.expert().size()).orElse(0));
  }

  private static String expert(ModelExperts experts, int id) {
    MessageDigest digest = sha256();
    for (int layer = 0; layer < experts.layers(); layer++) {
      if (experts.hasExperts(layer)) {
        StoredFeedForward stored = experts.stored(layer, id);
        for (StoredMatrix matrix : stored.matrices()) {
          text(digest, "%s %s %d %d %s".formatted(matrix.stored().name(), matrix.stored().dtype(), matrix.rows(),
              matrix.cols(), ModelExperts.label(experts.modelType(matrix))));
          sample(digest, matrix.bytes());
          if (matrix.stored().scales() != null) {
            sample(digest, matrix.stored().scales().data());
          }
        }
        biases(digest, stored.biases());
      }
    }
    return HexFormat.of().formatHex(Arrays.copyOf(digest.digest(), DIGEST_BYTES));
  }

  private static void biases(MessageDigest digest, FeedForwardWeights.@Nullable Biases biases) {
    if (biases != null) {
      text(digest, "%s %s %s".formatted(Arrays.toString(biases.gate()), Arrays.toString(biases.up()),
          Arrays.toString(biases.down())));
    }
  }

  private static String wholeDigest(Checkpoint checkpoint, List<String> expertDigests) {
    MessageDigest digest = sha256();
    text(digest, checkpoint.config().toString());
    expertDigests.forEach(expert -> text(digest, expert));
    for (Tensor tensor : checkpoint.tensors().values()) {
      text(digest, "%s %s %s".formatted(tensor.name(), tensor.dtype(), tensor.shape()));
      sample(digest, tensor.data());
      if (tensor.scales() != null) {
        sample(digest, tensor.scales().data());
      }
    }
    return HexFormat.of().formatHex(digest.digest()).substring(0, VERSION_DIGITS);
  }

  private static void sample(MessageDigest digest, MemorySegment data) {
    long size = data.byteSize();
    if (size <= SAMPLES * SAMPLE_BYTES) {
      digest.update(data.toArray(ValueLayout.JAVA_BYTE));
      return;
    }
    for (int i = 0; i < SAMPLES; i++) {
      long at = (size - SAMPLE_BYTES) * i / (SAMPLES - 1);
      digest.update(data.asSlice(at, SAMPLE_BYTES).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  /** With its end, so that two texts are not another two. */
  private static void text(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
