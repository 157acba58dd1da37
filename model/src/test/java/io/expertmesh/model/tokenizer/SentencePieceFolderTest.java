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

/** What folders with a SentencePiece model alone say about special tokens. */
class SentencePieceFolderTest {
  private static final int UNIGRAM_PIECES = 170;

  @TempDir
  Path temporary;

  private static ObjectNode config(String modelType, int vocabulary) {
    return TokenizerFixtures.object().put("model_type", modelType).put("vocab_size", vocabulary);
  }

  private Path unigram(ObjectNode config) {
    return TokenizerFixtures.folder(temporary, "unigram", "spiece.model", config);
  }

  private static void write(Path folder, String name, ObjectNode content) throws IOException {
    Files.write(folder.resolve(name), Json.bytes(content));
  }

  @Test
  void mixtralTextsBeginWithBos() throws IOException {
    Path folder = TokenizerFixtures.folder(temporary, "bpe", "tokenizer.model", config("mixtral", 640));
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    int[] plain = tokenizer.encode("the router", false);
    assertThat(tokenizer.encode("the router", true)).startsWith(1).endsWith(plain).hasSize(plain.length + 1);
    assertThat(tokenizer.encode("<s>the router</s>", false)).startsWith(1).endsWith(2).hasSize(plain.length + 2);
    assertThat(tokenizer.decode(tokenizer.encode("<s>the router</s>", false), true)).isEqualTo("the router");
    assertThat(tokenizer.decode(tokenizer.encode("<s>the router</s>", false), false))
        .isEqualTo("<s> the router</s>");
    assertThat(tokenizer.decode(new int[]{639}, false)).isEmpty();
    assertThatThrownBy(() -> tokenizer.decode(new int[]{640}, false)).hasMessageContaining("0 to 639");

    write(folder, "tokenizer_config.json", TokenizerFixtures.object().put("add_bos_token", false)
        .put("add_eos_token", true).put("legacy", false));
    Tokenizer other = TokenizerLoader.load(folder).tokenizer();
    assertThat(other.encode("the router", true)).startsWith(plain).endsWith(2).hasSize(plain.length + 1);
    // Not legacy: no space is put between a special token and the text after it.
    assertThat(other.decode(other.encode("<s>the router", false), false)).isEqualTo("<s>the router");
  }

  @Test
  void switchTextsEndWithEosAndHaveSentinels() {
    Tokenizer tokenizer = TokenizerLoader.load(unigram(config("switch_transformers", 384))).tokenizer();
    assertThat(tokenizer.encode("a token", true)).endsWith(1).doesNotContain(0);
    assertThat(tokenizer.encode("<extra_id_0>", false)).containsExactly(UNIGRAM_PIECES + 99);
    assertThat(tokenizer.encode("<extra_id_99>", false)).containsExactly(UNIGRAM_PIECES);
    assertThat(tokenizer.isSpecial(UNIGRAM_PIECES)).isTrue();
  }

  @Test
  void sentinelsAreAsManyAsTheFilesSay() throws IOException {
    Path folder = unigram(config("t5", UNIGRAM_PIECES + 7));
    assertThat(TokenizerLoader.load(folder).tokenizer().size()).isEqualTo(UNIGRAM_PIECES);
    write(folder, "tokenizer_config.json", TokenizerFixtures.object().put("extra_ids", 7));
    assertThat(TokenizerLoader.load(folder).tokenizer().encode("<extra_id_0>", false))
        .containsExactly(UNIGRAM_PIECES + 6);
    write(folder, "tokenizer_config.json", TokenizerFixtures.object().put("extra_ids", 8));
    assertThatThrownBy(() -> TokenizerLoader.load(folder)).hasMessageContaining("'<extra_id_0>' the id 177");
  }

  @Test
  void openMoeBeginsWithPadAndChatsInItsOwnFormat() {
    ObjectNode config = config("llama", 768);
    config.putArray("architectures").add("OpenMoeForCausalLM");
    Path folder = TokenizerFixtures.folder(temporary, "unigram-bytes", "spiece.model", config);
    LoadedTokenizer loaded = TokenizerLoader.load(folder);
    int[] ids = loaded.tokenizer().encode("the expert", true);
    assertThat(ids).startsWith(0).doesNotContain(1);
    assertThat(loaded.tokenizer().encode("<extra_id_0>", false)).containsExactly(440 + 299);
    assertThat(loaded.tokenizer().decode(ids, true)).isEqualTo("the expert");

    ChatTemplate template = ChatTemplateTest.template(loaded);
    ChatMessage system = new ChatMessage("system", "Be brief.");
    ChatMessage question = new ChatMessage("user", " Why? ");
    ChatMessage answer = new ChatMessage("assistant", "So.");
    assertThat(template.render(List.of(system, question), true))
        .isEqualTo("<<SYS>>\nBe brief.\n<</SYS>>\n\n[INST] Why? [/INST]");
    assertThat(template.render(List.of(question, answer, question), true))
        .isEqualTo("[INST] Why? [/INST] So. </s>[INST] Why? [/INST]");
    assertThatThrownBy(() -> template.render(List.of(answer), true)).hasMessageContaining("take turns");
  }

  @Test
  void filesThatContradictTheModelAreRefused() throws IOException {
    Path folder = unigram(config("t5", 160));
    assertRefused(folder, "has 170 pieces, but vocab_size in config.json is 160");

    Path other = unigram(config("t5", 300));
    ObjectNode tokens = TokenizerFixtures.object();
    tokens.putObject("added_tokens_decoder").putObject("5").put("content", "<other>");
    write(other, "tokenizer_config.json", tokens);
    assertRefused(other, "files beside it call that id '<other>'");
    tokens.putObject("added_tokens_decoder").putObject("300").put("content", "<other>");
    write(other, "tokenizer_config.json", tokens);
    assertRefused(other, "the id 300");
    tokens.putObject("added_tokens_decoder").putObject("x").put("content", "<other>");
    write(other, "tokenizer_config.json", tokens);
    assertRefused(other, "the id -1");
  }

  @Test
  void addedTokensTakeTheWhiteSpaceThatTheFilesSay() throws IOException {
    Path folder = TokenizerFixtures.folder(temporary, "bpe", "tokenizer.model", config("phimoe", 610));
    ObjectNode tokens = TokenizerFixtures.object();
    ObjectNode decoder = tokens.putObject("added_tokens_decoder");
    decoder.putObject("601").put("content", "<|user|>").put("special", true).put("rstrip", true);
    decoder.putObject("602").put("content", "<|mark|>").put("lstrip", true);
    write(folder, "tokenizer_config.json", tokens);
    write(folder, "added_tokens.json", TokenizerFixtures.object().put("<|more|>", 605).put("<|user|>", 601));
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    assertThat(tokenizer.encode("<|user|> \n the", false)).startsWith(601).endsWith(tokenizer.encode("the", false));
    assertThat(tokenizer.encode("the <|mark|>", false)).startsWith(tokenizer.encode("the", false)).endsWith(602);
    assertThat(tokenizer.encode("<|more|>", false)).containsExactly(605);
    assertThat(tokenizer.decode(new int[]{601, 602, 605}, true)).isEqualTo("<|mark|><|more|>");
  }

  @Test
  void textThatGoesOnKeepsItsFirstSpace() {
    Path folder = TokenizerFixtures.folder(temporary, "bpe", "tokenizer.model", config("mixtral", 600));
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    int[] ids = tokenizer.encode("the router", false);
    assertThat(Streams.decode(tokenizer.streaming(true), ids)).isEqualTo("the router");
    assertThat(Streams.decode(tokenizer.continuing(true), ids)).isEqualTo(" the router");
  }

  private static void assertRefused(Path folder, String message) {
    assertThatThrownBy(() -> TokenizerLoader.load(folder)).isInstanceOfSatisfying(FailureException.class,
        e -> assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT)).hasMessageContaining(message);
  }
}
