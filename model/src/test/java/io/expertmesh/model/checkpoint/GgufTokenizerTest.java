package io.expertmesh.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.tokenizer.Tokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** SentencePiece tokenizers that are written to GGUF read back as they were. */
class GgufTokenizerTest {
  private static final Path FIXTURES = Path.of("src/test/resources/tokenizers");
  private static final int VOCABULARY = 610;

  @TempDir
  Path folder;

  private static byte[] unpacked(String name) throws IOException {
    try (InputStream in = new GZIPInputStream(Files.newInputStream(FIXTURES.resolve(name + ".gz")))) {
      return in.readAllBytes();
    }
  }

  private Path convert() {
    Path file = folder.resolve("tokenizer.gguf");
    ObjectNode config = JsonMapper.shared().createObjectNode().put("bos_token_id", 1).put("eos_token_id", 2);
    GgufWriter writer = new GgufWriter("llama");
    assertThat(GgufTokenizer.write(folder, config, VOCABULARY, writer)).isTrue();
    writer.write(file, Progress.NONE);
    return file;
  }

  private void assertReadsLikeSentencePiece(Tokenizer tokenizer) throws IOException {
    JsonNode cases = JsonMapper.shared().readTree(unpacked("bpe/cases.json"));
    JsonNode texts = JsonMapper.shared().readTree(unpacked("texts.json"));
    for (int i = 0; i < texts.size(); i++) {
      int[] ids = new int[cases.path("ids").path(i).size()];
      for (int k = 0; k < ids.length; k++) {
        ids[k] = cases.path("ids").path(i).path(k).intValue();
      }
      assertThat(tokenizer.encode(texts.path(i).stringValue(), false)).isEqualTo(ids);
    }
    assertThat(tokenizer.encode("the</s>", true)).startsWith(1).endsWith(2);
    assertThat(tokenizer.decode(new int[]{VOCABULARY - 1}, true)).isEqualTo("[PAD609]");
  }

  @Test
  void aSentencePieceModelKeepsItsIds() throws IOException {
    Files.write(folder.resolve("tokenizer.model"), unpacked("bpe/model"));
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config.putObject("added_tokens_decoder").putObject("601").put("content", "<|user|>").put("special", true);
    Files.write(folder.resolve("tokenizer_config.json"), JsonMapper.shared().writeValueAsBytes(config));
    Tokenizer tokenizer = TokenizerLoader.load(convert()).tokenizer();
    assertReadsLikeSentencePiece(tokenizer);
    assertThat(tokenizer.encode("<|user|>", false)).containsExactly(601);
  }

  @Test
  void theMergesOfATokenizerJsonBecomeScores() throws IOException {
    Files.write(folder.resolve("tokenizer.json"), unpacked("bpe/tokenizer.json"));
    Path file = convert();
    GgufMetadata metadata = GgufMetadata.read(file);
    assertThat(metadata.text("tokenizer.huggingface.json")).isPresent();
    assertThat(metadata.flag("tokenizer.ggml.add_space_prefix")).contains(true);
    java.util.Map<String, GgufValue> keys = new java.util.LinkedHashMap<>(metadata.values());
    keys.remove("tokenizer.huggingface.json");
    keys.put("tokenizer.ggml.add_bos_token", new GgufValue.Flag(true));
    GgufWriter writer = new GgufWriter("llama");
    keys.forEach((key, value) -> put(writer, key, value));
    writer.write(file, Progress.NONE);
    assertReadsLikeSentencePiece(TokenizerLoader.load(file).tokenizer());
  }

  private static void put(GgufWriter writer, String key, GgufValue value) {
    switch (value) {
      case GgufValue.Text text when !key.startsWith("general.") -> writer.text(key, text.value());
      case GgufValue.Texts texts -> writer.texts(key, texts.values());
      case GgufValue.Flag flag -> writer.flag(key, flag.value());
      case GgufValue.Int integer -> writer.u32(key, integer.value());
      case GgufValue.Ints integers -> {
        int[] values = new int[integers.values().length];
        for (int i = 0; i < values.length; i++) {
          values[i] = (int) integers.values()[i];
        }
        writer.i32s(key, values);
      }
      case GgufValue.Reals reals -> {
        float[] values = new float[reals.values().length];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) reals.values()[i];
        }
        writer.f32s(key, values);
      }
      default -> {
      }
    }
  }

  @Test
  void whatLlamaCppsKindCannotSayIsRefused() throws IOException {
    Files.write(folder.resolve("tokenizer.model"), unpacked("unigram/model"));
    assertThatThrownBy(this::convert).isInstanceOf(FailureException.class)
        .hasMessageContaining("is UNIGRAM with a map of characters");
  }
}
