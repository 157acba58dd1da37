package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class TokenizerLoaderTest {
  @TempDir
  Path folder;

  private ObjectNode copyDemo() throws IOException {
    Files.copy(DemoTokenizer.FOLDER.resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    return Json.MAPPER.createObjectNode();
  }

  private void write(String name, ObjectNode content) throws IOException {
    Files.write(folder.resolve(name), Json.bytes(content));
  }

  private String chat() {
    ChatTemplate template = TokenizerLoader.load(folder).chatTemplate();
    return template == null ? "none" : template.render(List.of(new ChatMessage("user", "hi")), true);
  }

  @Test
  void aFolderWithoutTokenizerIsRefused() throws IOException {
    assertThatThrownBy(() -> TokenizerLoader.load(folder)).isInstanceOfSatisfying(FailureException.class,
        e -> assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT))
        .hasMessageContaining("looked for tokenizer.json, tokenizer.model, spiece.model, sentencepiece.bpe.model");
    Files.writeString(folder.resolve("vocab.json"), "{}");
    assertThatThrownBy(() -> TokenizerLoader.load(folder)).hasMessageContaining("It has vocab.json")
        .hasMessageContaining("AutoTokenizer");
    Files.writeString(folder.resolve("tokenizer.model"), "");
    assertThatThrownBy(() -> TokenizerLoader.load(folder)).hasMessageContaining("is not a SentencePiece model");
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\":");
    assertThatThrownBy(() -> TokenizerLoader.load(folder)).hasMessageContaining("not valid JSON");
  }

  @Test
  void somethingThatIsNotThereIsNotFound() {
    assertThatThrownBy(() -> TokenizerLoader.load(folder.resolve("nothing.gguf")))
        .isInstanceOfSatisfying(FailureException.class,
            e -> assertThat(e.category()).isEqualTo(FailureCategory.NOT_FOUND));
  }

  @Test
  void theModelsPaddedVocabularyIsKnown() throws IOException {
    copyDemo();
    write("config.json", Json.MAPPER.createObjectNode().put("vocab_size", 1100));
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    assertThat(tokenizer.decode(new int[]{1099}, false)).isEmpty();
    assertThatThrownBy(() -> tokenizer.decode(new int[]{1100}, false)).hasMessageContaining("0 to 1099");
  }

  @Test
  void templatesComeFromTheFirstFileThatHasOne() throws IOException {
    ObjectNode config = copyDemo();
    assertThat(chat()).isEqualTo("none");
    config.putArray("chat_template").addObject().put("name", "tool_use").put("template", "tools");
    config.withArray("chat_template").addObject().put("name", "default").put("template", "{{ eos_token }}named");
    config.putObject("eos_token").put("content", "<|endoftext|>");
    write("tokenizer_config.json", config);
    assertThat(chat()).isEqualTo("<|endoftext|>named");
    write("tokenizer_config.json", config.put("chat_template", "config{{ bos_token }}"));
    assertThat(chat()).isEqualTo("config");
    write("chat_template.json", Json.MAPPER.createObjectNode().put("chat_template", "json"));
    assertThat(chat()).isEqualTo("json");
    Files.writeString(folder.resolve("chat_template.jinja"), "jinja\n");
    assertThat(chat()).isEqualTo("jinja");
  }

  @Test
  void prefixAndSuffixAreAddedIfTheFilesSaySo() throws IOException {
    ObjectNode config = copyDemo();
    int[] plain = TokenizerLoader.load(folder).tokenizer().encode("hello", true);
    config.put("add_bos_token", true).put("add_eos_token", true).put("bos_token", "<|user|>");
    write("tokenizer_config.json", config);
    write("special_tokens_map.json", Json.MAPPER.createObjectNode().put("eos_token", "<|endoftext|>"));
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    assertThat(tokenizer.encode("hello", false)).isEqualTo(plain);
    assertThat(tokenizer.encode("hello", true)).startsWith(2).endsWith(0).hasSize(plain.length + 2);
  }

  @Test
  void aTokenThatOnlyTheConfigurationCallsSpecialIsSpecial() throws IOException {
    ObjectNode config = copyDemo();
    int he = TokenizerLoader.load(folder).tokenizer().encode("he", false)[0];
    assertThat(TokenizerLoader.load(folder).tokenizer().tokenText(he)).isEqualTo("he");
    write("tokenizer_config.json", config.put("eos_token", "he"));
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    assertThat(tokenizer.isSpecial(he)).isTrue();
    assertThat(tokenizer.encode("other", false)).contains(he);
    assertThat(tokenizer.decode(new int[]{he}, true)).isEmpty();
  }
}
