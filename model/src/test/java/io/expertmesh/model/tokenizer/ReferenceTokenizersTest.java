package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** 1,000 awkward texts for each kind of tokenizer: ids and texts are those of the reference libraries. */
class ReferenceTokenizersTest {
  @TempDir
  Path temporary;

  @ParameterizedTest
  @ValueSource(strings = {"bpe", "unigram-bytes", "unigram"})
  void sentencePieceModelsGiveTheIdsAndTextsOfSentencePiece(String name) {
    Path folder = TokenizerFixtures.folder(temporary, name, "spiece.model", TokenizerFixtures.object());
    Tokenizer tokenizer = TokenizerLoader.load(folder).tokenizer();
    JsonNode cases = TokenizerFixtures.json(name + "/cases.json");
    compare(tokenizer, TokenizerFixtures.texts(), cases);
    JsonNode sequences = cases.path("sequences");
    assertThat(sequences.size()).isEqualTo(1000);
    for (int i = 0; i < sequences.size(); i++) {
      int[] ids = DemoTokenizer.ints(sequences.path(i));
      assertThat(tokenizer.decode(ids, true)).isEqualTo(cases.path("decoded_sequences").path(i).stringValue());
      JsonTokenizerTest.assertStreamsLikeDecode(tokenizer, ids);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bpe", "unigram", "byte-level"})
  void tokenizerJsonGivesTheIdsAndTextsOfTokenizers(String name) {
    ObjectNode definition = name.equals("byte-level")
        ? Json.readObject(DemoTokenizer.FOLDER.resolve("tokenizer.json"))
        : Json.object(TokenizerFixtures.unpacked(name + "/tokenizer.json"), name);
    Tokenizer tokenizer = new JsonTokenizer(definition, 0, name);
    JsonNode cases = TokenizerFixtures.json(name + "/json-cases.json");
    List<String> texts = new ArrayList<>(TokenizerFixtures.texts());
    int plain = texts.size();
    texts.addAll(TokenizerFixtures.strings(cases.path("marked")));
    compare(tokenizer, texts, cases);
    for (int i = plain; i < texts.size(); i++) {
      assertThat(tokenizer.decode(DemoTokenizer.ints(cases.path("ids").path(i)), false))
          .isEqualTo(cases.path("marked_decoded").path(i - plain).stringValue());
    }
  }

  @Test
  void nllbHasFairseqsIds() {
    ObjectNode config = TokenizerFixtures.object().put("model_type", "nllb-moe");
    Path folder = TokenizerFixtures.folder(temporary, "nllb", "sentencepiece.bpe.model", config);
    compare(TokenizerLoader.load(folder).tokenizer(), TokenizerFixtures.texts(),
        TokenizerFixtures.json("nllb/cases.json"));
  }

  /** A text that contains an unknown piece has no decoded text to compare with. */
  private static void compare(Tokenizer tokenizer, List<String> texts, JsonNode cases) {
    assertThat(texts).hasSizeGreaterThanOrEqualTo(1000);
    assertThat(cases.path("ids").size()).isEqualTo(texts.size());
    for (int i = 0; i < texts.size(); i++) {
      int[] ids = DemoTokenizer.ints(cases.path("ids").path(i));
      assertThat(tokenizer.encode(texts.get(i), false)).as(texts.get(i)).isEqualTo(ids);
      JsonNode decoded = cases.path("decoded").path(i);
      if (decoded.isString()) {
        assertThat(tokenizer.decode(ids, true)).isEqualTo(decoded.stringValue());
      }
      JsonTokenizerTest.assertStreamsLikeDecode(tokenizer, ids);
    }
  }
}
