package io.expertmesh.model.checkpoint;

import static io.expertmesh.model.checkpoint.SafetensorsBytes.entry;
import static io.expertmesh.model.checkpoint.SafetensorsBytes.file;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsCheckpointTest {
  @TempDir
  Path folder;

  @BeforeEach
  void config() {
    text("config.json", "{\"model_type\":\"olmoe\",\"clip\":Infinity}");
  }

  @Test
  void mapsTensorsInTheOrderOfTheirBytes() {
    bytes("model.safetensors", file("{\"__metadata__\":{\"format\":\"pt\"}," + entry("b", "BF16", "[2,3]", 8, 20) + ","
        + entry("a", "F32", "[2]", 0, 8) + "," + entry("scalar", "F16", "[]", 20, 22) + "}   ", 22));
    Checkpoint checkpoint = Checkpoint.open(folder);

    assertThat(checkpoint.config().path("model_type").stringValue()).isEqualTo("olmoe");
    assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b", "scalar");
    Tensor b = requireNonNull(checkpoint.tensors().get("b"));
    assertThat(b.dtype()).isEqualTo(DType.BF16);
    assertThat(b.shape()).isEqualTo(List.of(2L, 3L));
    assertThat(b.data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
    assertThat(b.data().isReadOnly()).isTrue();
    assertThat(b.matrix().rows()).isEqualTo(2);
    assertThat(b.matrix().cols()).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock = """
          `{"`;                                                                              4;  not valid JSON
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`;                           4;  not valid JSON
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} {}`;                       4;  follows the header
          `[]`;                                                                              4;  does not start with '{'
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`; 8; names a twice
          `{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`;            4;  tensor a has dtype twice
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`;                    4;  unknown field x
          `{"a":{"dtype":"F32","shape":[1]}}`;                                               4;  tensor a lacks data_offsets
          `{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`;                         4;  the shape of tensor a
          `{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`;                        4;  the shape of tensor a
          `{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}`;       4;  the shape of tensor a
          `{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`;      4;  tensor a has the impossible shape
          `{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]}}`;        4;  tensor a has the impossible shape
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`;                          4;  tensor a has the data_offsets
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`;                            4;  tensor a has the data_offsets
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}`;        4;  tensor a lies at bytes 0
          `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`;                          4;  only 4 bytes of tensors are there
          `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`;                          4;  tensor a is F32 [2] and needs 8 bytes
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`;                          5;  1 bytes after tensor a
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`;                          8;  between the header and tensor a
          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`; 6; tensor b starts at byte 2 and overlaps tensor a
          `{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`;                          8;  tensor a has dtype I64
          `{"a":{"dtype":"Q9","shape":[1],"data_offsets":[0,8]}}`;                           8;  tensor a has dtype Q9
          `{"a":7}`;                                                                         0;  tensor a is not an object
          `{"__metadata__":{"x":1}}`;                                                        0;  __metadata__ entry x is not a string
          """)
  void refusesAHeaderThatLies(String header, int dataBytes, String message) {
    bytes("model.safetensors", file(header, dataBytes));
    assertRefused("model.safetensors", message);
  }

  @ParameterizedTest
  @CsvSource({"1000,'only 10 follow'", "100000001,'2 to 100000000 are possible'",
      "-1,'18446744073709551615 bytes'", "0,'0 bytes'"})
  void refusesAWrongHeaderLength(long length, String message) {
    bytes("model.safetensors", file(length, "{}", 8));
    assertRefused("model.safetensors", message);
  }

  @Test
  void refusesAnEmptyFile() {
    bytes("model.safetensors", new byte[0]);
    assertRefused("model.safetensors", "0 bytes long");
  }

  @Test
  void joinsShards() {
    twoShards("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");
    assertThat(Checkpoint.open(folder).tensors().keySet()).containsExactly("a", "b");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock = """
          `{"weight_map":{"a":"one.safetensors","b":"three.safetensors"}}`;                    index.json;       three.safetensors, which is not there
          `{"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}}`;two.safetensors;  tensor c is missing
          `{"weight_map":{"a":"one.safetensors","c":"two.safetensors"}}`;                      two.safetensors;  tensor b is not in model.safetensors.index.json
          `{"weight_map":{"a":"two.safetensors","b":"two.safetensors"}}`;                      two.safetensors;  tensor a is missing
          `{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}}`;two.safetensors;  tensor b is here, but model.safetensors.index.json says that it is in one.safetensors
          `{"weight_map":{"a":"one.safetensors","b":"../two.safetensors"}}`;                   index.json;       not the name of a .safetensors file
          `{"weight_map":{"a":"one.safetensors","b":"/tmp/two.safetensors"}}`;                 index.json;       not the name of a .safetensors file
          `{"weight_map":{"a":"one.safetensors","b":7}}`;                                      index.json;       not the name of a .safetensors file
          `{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}`;                      index.json;       not valid JSON
          `{"weight_map":{}}`;                                                                 index.json;       has no weight_map
          `{`;                                                                                 index.json;       not valid JSON
          `[]`;                                                                                index.json;       not a JSON object
          """)
  void refusesAnIndexThatDoesNotFitItsShards(String index, String file, String message) {
    twoShards(index);
    assertRefused(file, message);
  }

  @Test
  void refusesPicklesWithTheCommandThatConvertsThem() {
    bytes("pytorch_model.bin", new byte[10]);
    assertRefused("pytorch_model.bin", "save_pretrained(");
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Checkpoint.open(folder.resolve("pytorch_model.bin")))
        .withMessageContaining("safe_serialization=True");
  }

  @Test
  void saysWhatIsMissing() {
    assertRefused(folder.getFileName().toString(), "neither model.safetensors nor");
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> Checkpoint.open(folder.resolve("nowhere")))
        .matches(e -> e.category() == FailureCategory.NOT_FOUND).withMessageContaining("nowhere");
  }

  @Test
  void refusesABrokenConfig() {
    bytes("model.safetensors", file("{" + entry("a", "F32", "[1]", 0, 4) + "}", 4));
    text("config.json", "{\"model_type\":");
    assertRefused("config.json", "not valid JSON");
  }

  private void twoShards(String index) {
    bytes("one.safetensors", file("{" + entry("a", "F32", "[1]", 0, 4) + "}", 4));
    bytes("two.safetensors", file("{" + entry("b", "F32", "[1]", 0, 4) + "}", 4));
    text("model.safetensors.index.json", index);
  }

  private void assertRefused(String file, String message) {
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> Checkpoint.open(folder))
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT)
        .withMessageContaining(file).withMessageContaining(message);
  }

  private void bytes(String name, byte[] bytes) {
    SafetensorsBytes.write(folder.resolve(name), bytes);
  }

  private void text(String name, String text) {
    SafetensorsBytes.write(folder.resolve(name), text.getBytes(StandardCharsets.UTF_8));
  }
}
