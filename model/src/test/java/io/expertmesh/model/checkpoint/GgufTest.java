package io.expertmesh.model.checkpoint;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTest {
  @TempDir
  Path folder;

  @Test
  void readsWhatTheWriterWrites() {
    GgufWriter writer = new GgufWriter("olmoe");
    writer.u32("a.u32", 0xFFFF_FFFFL);
    writer.f32("a.f32", 1e-5);
    writer.flag("a.flag", true);
    writer.text("a.text", "Ġné");
    writer.texts("a.texts", List.of("x", "", "yz"));
    writer.i32s("a.i32s", new int[]{-1, 2});
    writer.f32s("a.f32s", new float[]{0.5f});
    byte[] bytes = new byte[24];
    bytes[23] = 9;
    writer.tensor(new Tensor("one", DType.F32, List.of(2L, 3L), MemorySegment.ofArray(bytes)));
    writer.tensor(new Tensor("two", DType.Q8_0, List.of(1L, 2L, 32L), MemorySegment.ofArray(new byte[68])));
    Path file = folder.resolve("x.gguf");
    writer.write(file, Progress.NONE);

    GgufFile gguf = GgufFile.open(file);
    GgufMetadata metadata = gguf.metadata();
    assertThat(file).hasSize(writer.size());
    assertThat(metadata.architecture()).isEqualTo("olmoe");
    assertThat(metadata.integer("a.u32")).hasValue(0xFFFF_FFFFL);
    assertThat(metadata.real("a.f32")).hasValue(1e-5);
    assertThat(metadata.flag("a.flag")).hasValue(true);
    assertThat(metadata.text("a.text")).hasValue("Ġné");
    assertThat(metadata.texts("a.texts")).hasValue(List.of("x", "", "yz"));
    assertThat(metadata.integers("a.i32s").orElseThrow()).containsExactly(-1, 2);
    assertThat(metadata.reals("a.f32s").orElseThrow()).containsExactly(0.5);
    assertThat(metadata.text("absent")).isEmpty();
    assertThat(gguf.tensors().keySet()).containsExactly("one", "two");
    Tensor one = requireNonNull(gguf.tensors().get("one"));
    assertThat(one.shape()).isEqualTo(List.of(2L, 3L));
    assertThat(one.data().get(ValueLayout.JAVA_BYTE, 23)).isEqualTo((byte) 9);
    assertThat(requireNonNull(gguf.tensors().get("two")).matrix(0).rows()).isEqualTo(2);
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> metadata.text("a.u32"))
        .withMessageContaining("a.u32 is not a string but of type Int");
  }

  @ParameterizedTest
  @CsvSource(delimiter = ';', textBlock = """
      0x46554746; 3;          1;  1;          does not start with GGUF
      0x46554747; 1;          1;  1;          GGUF version 1
      0x46554747; 4;          1;  1;          GGUF version 4
      0x46554747; 0x03000000; 1;  1;          big-endian
      0x46554747; 3;          -1; 1;          the number of tensors is 18446744073709551615
      0x46554747; 3;          1;  4294967296; the number of metadata keys is 4294967296
      0x46554747; 3;          1;  2;          in the middle of the length of metadata key 1
      """)
  void refusesAWrongHeader(String magic, String version, long tensors, long keys, String message) {
    GgufBytes bytes = new GgufBytes().i32(Integer.decode(magic)).i32(Integer.decode(version)).i64(tensors).i64(keys);
    write(bytes.text("general.architecture").i32(8).text("olmoe"));
    assertRefused(message);
  }

  @Test
  void refusesMetadataThatLie() {
    refuseMetadata("key k has the unknown type 13", b -> b.i32(13));
    refuseMetadata("the length of metadata key k is 18446744073709551615", b -> b.i32(8).i64(-1));
    refuseMetadata("the length of metadata key k is 1099511627776", b -> b.i32(8).i64(1L << 40));
    refuseMetadata("in the middle of metadata key k", b -> b.i32(8).i64(1000));
    refuseMetadata("key k is not UTF-8", b -> b.i32(8).i64(2).i8(0xC3).i8(0x28));
    refuseMetadata("key k is the bool 2", b -> b.i32(7).i8(2));
    refuseMetadata("key k is an array of arrays", b -> b.i32(9).i32(9).i64(1).i32(4).i64(0));
    refuseMetadata("key k is an array of the unknown type 77", b -> b.i32(9).i32(77).i64(1));
    refuseMetadata("the array length of metadata key k is 4611686018427387904", b -> b.i32(9).i32(4).i64(1L << 62));
    refuseMetadata("key k says that it has 4000000 elements", b -> b.i32(9).i32(8).i64(4_000_000));
    refuseMetadata("has the metadata key k twice", b -> b.i32(4).i32(1).text("k").i32(4).i32(1));
  }

  private void refuseMetadata(String message, Consumer<GgufBytes> value) {
    GgufBytes bytes = new GgufBytes().i32(0x46554747).i32(3).i64(0).i64(2).text("k");
    value.accept(bytes);
    write(bytes);
    assertRefused(message);
  }

  @Test
  void refusesATensorDirectoryThatLies() {
    refuseTensor("tensor t has 0 dimensions", 128, b -> b.i32(0));
    refuseTensor("tensor t has 4294967295 dimensions", 128, b -> b.i32(-1));
    refuseTensor("tensor t has the shape [0]", 128, b -> b.i32(1).i64(0).i32(0).i64(0));
    refuseTensor("tensor t has the impossible shape", 128, b -> b.i32(2).i64(1L << 40).i64(1L << 40).i32(0).i64(0));
    refuseTensor("tensor t has the shape [33], impossible for Q8_0", 128, b -> b.i32(1).i64(33).i32(8).i64(0));
    refuseTensor("tensor t is of type IQ4_XS; these are read: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K", 128,
        b -> b.i32(1).i64(256).i32(23).i64(0));
    refuseTensor("tensor t has the shape [128], impossible for Q4_K in blocks of 256", 144,
        b -> b.i32(1).i64(128).i32(12).i64(0));
    refuseTensor("tensor t is of type number 999", 128, b -> b.i32(1).i64(256).i32(999).i64(0));
    refuseTensor("tensor t lies at offset 32, but the tensors before it end at 0", 128,
        b -> b.i32(1).i64(8).i32(0).i64(32));
    refuseTensor("tensor t lies at bytes 0 to 132, but only 128", 128, b -> b.i32(1).i64(33).i32(0).i64(0));
    refuseTensor("96 bytes after the last tensor", 128, b -> b.i32(1).i64(8).i32(0).i64(0));
    refuseTensor("the offset of tensor t is 18446744073709551615", 128, b -> b.i32(1).i64(8).i32(0).i64(-1));
    refuseTensor("in the middle of tensor t", 0, b -> b.i32(1).i64(8));
  }

  private void refuseTensor(String message, int dataBytes, Consumer<GgufBytes> entry) {
    GgufBytes bytes = new GgufBytes().i32(0x46554747).i32(3).i64(1).i64(0).text("t");
    entry.accept(bytes);
    while (dataBytes > 0 && bytes.size() % 32 != 0) {
      bytes.i8(0);
    }
    for (int i = 0; i < dataBytes; i++) {
      bytes.i8(i);
    }
    write(bytes);
    assertRefused(message);
  }

  @Test
  void refusesOverlapAndTwins() {
    GgufBytes bytes = new GgufBytes().i32(0x46554747).i32(3).i64(2).i64(0);
    bytes.text("a").i32(1).i64(16).i32(0).i64(0).text("b").i32(1).i64(8).i32(0).i64(32);
    write(bytes);
    assertRefused("tensor a lies at bytes 0 to 64, but only 0");
    bytes = new GgufBytes().i32(0x46554747).i32(3).i64(2).i64(0);
    bytes.text("a").i32(1).i64(8).i32(0).i64(0).text("a").i32(1).i64(8).i32(0).i64(32);
    write(bytes);
    assertRefused("has tensor a twice");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 3, 48, 1L << 31})
  void refusesAnImpossibleAlignment(long alignment) {
    GgufWriter writer = new GgufWriter("olmoe");
    writer.u32("general.alignment", alignment);
    writer.write(folder.resolve("x.gguf"), Progress.NONE);
    assertRefused("general.alignment is " + alignment);
  }

  @Test
  void refusesOneOfSeveralParts() {
    GgufWriter writer = new GgufWriter("olmoe");
    writer.u32("split.count", 3);
    writer.write(folder.resolve("x.gguf"), Progress.NONE);
    assertRefused("one of 3 parts");
  }

  @Test
  void refusesAnotherArchitectureAndUnknownTensors() {
    GgufWriter writer = new GgufWriter("mamba");
    writer.write(folder.resolve("x.gguf"), Progress.NONE);
    assertRefused("is of architecture mamba; supported in GGUF files: olmoe, llama, qwen2, qwen2moe");
    writer = new GgufWriter("olmoe");
    for (String key : List.of("embedding_length", "feed_forward_length", "block_count", "attention.head_count",
        "context_length", "expert_count", "expert_used_count")) {
      writer.u32("olmoe." + key, 2);
    }
    writer.f32("olmoe.attention.layer_norm_rms_epsilon", 1e-5);
    writer.tensor(new Tensor("token_embd.weight", DType.F32, List.of(1L, 2L), MemorySegment.ofArray(new byte[8])));
    writer.tensor(new Tensor("blk.0.attn_q.bias", DType.F32, List.of(8L), MemorySegment.ofArray(new byte[32])));
    writer.write(folder.resolve("x.gguf"), Progress.NONE);
    assertRefused("tensor blk.0.attn_q.bias is unknown to architecture olmoe");
    writer = new GgufWriter("olmoe");
    writer.u32("olmoe.expert_gating_func", 2);
    writer.write(folder.resolve("x.gguf"), Progress.NONE);
    assertRefused("olmoe.expert_gating_func is 2.0");
    writer = new GgufWriter("olmoe");
    writer.write(folder.resolve("x.gguf"), Progress.NONE);
    assertRefused("has no metadata key olmoe.embedding_length");
  }

  private void write(GgufBytes bytes) {
    SafetensorsBytes.write(folder.resolve("x.gguf"), bytes.toByteArray());
  }

  private void assertRefused(String message) {
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> Checkpoint.open(folder.resolve("x.gguf")))
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT)
        .withMessageContaining("x.gguf").withMessageContaining(message);
  }
}
