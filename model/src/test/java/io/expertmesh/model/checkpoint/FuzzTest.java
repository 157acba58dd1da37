package io.expertmesh.model.checkpoint;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is done to a file, opening it succeeds or fails with the one failure type. */
@Timeout(60)
class FuzzTest {
  private static final int CASES = 2000;
  private static final byte[] INTERESTING = {0, 1, 2, 9, 0x7F, (byte) 0x80, (byte) 0xFF, '"', '{', '}', '[', ']', ','};

  @TempDir
  Path folder;

  @Test
  void safetensors() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    String header = "{\"__metadata__\":{\"format\":\"pt\"}," + SafetensorsBytes.entry("a", "F32", "[2,2]", 0, 16) + ","
        + SafetensorsBytes.entry("b", "BF16", "[3]", 16, 22) + "}";
    fuzz(SafetensorsBytes.file(header, 22), folder.resolve("model.safetensors"), folder);
  }

  /** Weights whose scales are tensors of their own. */
  @Test
  void safetensorsWithScales() throws IOException {
    Path golden = Path.of("src/test/resources/golden/block-formats");
    Files.copy(golden.resolve("config.json"), folder.resolve("config.json"));
    byte[] right = Files.readAllBytes(golden.resolve("model.safetensors"));
    fuzz(Arrays.copyOf(right, right.length), folder.resolve("model.safetensors"), folder);
  }

  @Test
  void safetensorsIndex() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.write(folder.resolve("a.safetensors"),
        SafetensorsBytes.file("{" + SafetensorsBytes.entry("a", "F32", "[1]", 0, 4) + "}", 4));
    fuzz("{\"metadata\":{\"total_size\":4},\"weight_map\":{\"a\":\"a.safetensors\"}}".getBytes(US_ASCII),
        folder.resolve("model.safetensors.index.json"), folder);
  }

  @Test
  void gguf() throws IOException {
    Path file = folder.resolve("x.gguf");
    GgufWriter writer = new GgufWriter("olmoe");
    for (String key : List.of("embedding_length", "feed_forward_length", "block_count", "attention.head_count",
        "context_length", "expert_count", "expert_used_count")) {
      writer.u32("olmoe." + key, 2);
    }
    writer.f32("olmoe.attention.layer_norm_rms_epsilon", 1e-5);
    writer.texts("tokenizer.ggml.tokens", List.of("a", "b"));
    writer.i32s("tokenizer.ggml.token_type", new int[]{1, 1});
    writer.flag("tokenizer.ggml.add_bos_token", false);
    writer.tensor(new Tensor("token_embd.weight", DType.F32, List.of(2L, 2L), MemorySegment.ofArray(new byte[16])));
    writer.tensor(new Tensor("blk.0.attn_q.weight", DType.Q4_0, List.of(1L, 32L), MemorySegment.ofArray(new byte[18])));
    writer.tensor(
        new Tensor("blk.0.attn_k.weight", DType.Q6_K, List.of(1L, 256L), MemorySegment.ofArray(new byte[210])));
    writer.write(file, Progress.NONE);
    fuzz(Files.readAllBytes(file), file, file);
  }

  private static void fuzz(byte[] right, Path file, Path location) throws IOException {
    Files.write(file, right);
    assertThat(Checkpoint.open(location).tensors()).isNotEmpty();
    Random random = new Random(20260101);
    int refused = 0;
    for (int i = 0; i < CASES; i++) {
      byte[] wrong = mutate(right, random);
      // A new file each time: truncating one makes some file systems write it to disk at once.
      Files.delete(file);
      Files.write(file, wrong);
      try {
        long bytes = 0;
        for (Tensor tensor : Checkpoint.open(location).tensors().values()) {
          bytes += tensor.bytes();
          Quantizer.vector(tensor);
        }
        assertThat(bytes).isLessThanOrEqualTo(wrong.length);
      } catch (FailureException e) {
        refused++;
      } catch (RuntimeException | Error e) {
        fail("case %d".formatted(i), e);
      }
    }
    assertThat(refused).isGreaterThan(CASES / 4);
  }

  private static byte[] mutate(byte[] right, Random random) {
    byte[] wrong = right.clone();
    switch (random.nextInt(4)) {
      case 0 -> wrong = Arrays.copyOf(wrong, random.nextInt(right.length));
      case 1 -> wrong = Arrays.copyOf(wrong, right.length + 1 + random.nextInt(100));
      default -> {
        for (int i = random.nextInt(4); i >= 0; i--) {
          int at = random.nextInt(wrong.length);
          wrong[at] = random.nextBoolean() ? INTERESTING[random.nextInt(INTERESTING.length)] : (byte) random.nextInt();
        }
      }
    }
    return wrong;
  }
}
