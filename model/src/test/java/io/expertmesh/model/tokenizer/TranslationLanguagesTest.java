package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class TranslationLanguagesTest {
  @TempDir
  Path temporary;

  private LoadedTokenizer load(ObjectNode tokenizerConfig) throws IOException {
    Path folder = TokenizerFixtures.folder(temporary, "nllb", "sentencepiece.bpe.model",
        TokenizerFixtures.object().put("model_type", "nllb-moe"));
    Files.write(folder.resolve("tokenizer_config.json"), Json.bytes(tokenizerConfig));
    return TokenizerLoader.load(folder);
  }

  private static ObjectNode sixLanguages() {
    ObjectNode config = TokenizerFixtures.object();
    TokenizerFixtures.json("nllb/cases.json").path("languages").properties()
        .forEach(entry -> config.withArray("additional_special_tokens").add(entry.getKey()));
    return config;
  }

  private static TranslationLanguages languages(LoadedTokenizer loaded) {
    return Objects.requireNonNull(loaded.languages());
  }

  @Test
  void codesFollowThePieces() throws IOException {
    JsonNode cases = TokenizerFixtures.json("nllb/cases.json");
    LoadedTokenizer loaded = load(sixLanguages());
    TranslationLanguages languages = languages(loaded);
    assertThat(languages.all()).hasSize(6);
    cases.path("languages").properties().forEach(entry -> assertThat(
        languages.language(entry.getKey(), "target").tokenId()).isEqualTo(entry.getValue().intValue()));
    assertThat(loaded.tokenizer().tokenText(cases.path("mask").intValue())).isEqualTo("<mask>");
  }

  @Test
  void theSourceIsCodeTextEos() throws IOException {
    LoadedTokenizer loaded = load(sixLanguages());
    TranslationLanguages languages = languages(loaded);
    int[] text = loaded.tokenizer().encode("the router", false);
    int german = languages.language("deu_Latn", "source").tokenId();
    assertThat(languages.encode("the router", languages.language("de", "source"))).startsWith(german).endsWith(2)
        .containsSubsequence(text).hasSize(text.length + 2);
    int english = languages.language("eng_Latn", "source").tokenId();
    assertThat(loaded.tokenizer().encode("the router", true)).startsWith(english).endsWith(2);

    TranslationLanguages legacy = languages(load(sixLanguages().put("legacy_behaviour", true)));
    assertThat(legacy.encode("the router", legacy.language("de", "source"))).startsWith(text).endsWith(2, german);
  }

  @Test
  void languagesAreFoundByCodeAndByTag() throws IOException {
    TranslationLanguages all = languages(load(TokenizerFixtures.object()));
    assertThat(all.all()).hasSize(202);
    String[][] expected = {{"en", "eng_Latn"}, {"ENG_latn", "eng_Latn"}, {"zh", "zho_Hans"}, {"zh-TW", "zho_Hant"},
        {"zh-Hant", "zho_Hant"}, {"ar", "arb_Arab"}, {"fa", "pes_Arab"}, {"pt-BR", "por_Latn"}, {"nb", "nob_Latn"},
        {"no", "nob_Latn"}, {"sr", "srp_Cyrl"}, {"uk", "ukr_Cyrl"}, {"ace", "ace_Arab"}, {"pt_BR", "por_Latn"}};
    for (String[] pair : expected) {
      assertThat(all.language(pair[0], "source").code()).as(pair[0]).isEqualTo(pair[1]);
    }
    assertThat(all.language("de", "source").name()).isEqualTo("German");
    assertThat(all.language("zho_Hant", "source").name()).contains("Chinese").contains("Traditional");
  }

  @Test
  void anUnknownLanguageIsRefusedWithTheNearest() throws IOException {
    TranslationLanguages all = languages(load(TokenizerFixtures.object()));
    assertThatThrownBy(() -> all.language("eng_Latin", "target")).isInstanceOfSatisfying(FailureException.class,
        e -> assertThat(e.parameter()).isEqualTo("target")).hasMessageContaining("'eng_Latin'")
        .hasMessageContaining("eng_Latn (English)").hasMessageContaining("202");
    assertThatThrownBy(() -> all.language("germn", "target")).hasMessageContaining("deu_Latn (German)");
    assertThatThrownBy(() -> all.language("", "target")).isInstanceOf(FailureException.class);
  }

  @Test
  void otherTokenizersHaveNoLanguages() {
    assertThat(TokenizerLoader.load(DemoTokenizer.FOLDER).languages()).isNull();
  }
}
