package io.expertmesh.engine.constraint;

import io.expertmesh.model.tokenizer.JsonTokenizer;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.TreeSet;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Vocabularies to test with. */
final class Vocabularies {
  private static final String SAMPLE = """
      {"name": "Paris", "type":"object","values": [1, 2.5, -300, true, false, null], "text": "A quick brown fox said: \\"no\\".\\n"}
      {
        "items": [
          {"id": 17, "tags": ["a","b"], "größe": "日本語 😀"},
          {"id": 2024, "date": "2024-05-01T12:00:00Z"}
        ],
      }[[[[]]]] {{"a":{"b":{"c":[{}]}}}} "},{" "],[" ":[{" , the and of to in ing er tion
      """;

  private Vocabularies() {}

  /** The demo model's tokenizer. */
  static Tokenizer demo() {
    Path file = Path.of("..", "models", "demo", "tokenizer.json");
    return new JsonTokenizer((ObjectNode) JsonMapper.shared().readTree(file.toFile()), 0, file.toString());
  }

  /** Single bytes alone. */
  static TokenTrie bytes() {
    return new TokenTrie(256, id -> new byte[]{(byte) id});
  }

  /** Single bytes, two ids without a text, pieces of JSON and of words, and one token under two ids. */
  static TokenTrie pieces(long seed, int size) {
    byte[] sample = SAMPLE.getBytes(StandardCharsets.UTF_8);
    Random random = new Random(seed);
    TreeSet<String> pieces = new TreeSet<>();
    while (pieces.size() < size) {
      int from = random.nextInt(sample.length - 1);
      int to = Math.min(sample.length, from + 2 + random.nextInt(12));
      pieces.add(new String(sample, from, to - from, StandardCharsets.ISO_8859_1));
    }
    String[] tokens = pieces.toArray(new String[0]);
    return new TokenTrie(259 + size, id -> {
      if (id < 2) {
        return new byte[0];
      }
      return id < 258
          ? new byte[]{(byte) (id - 2)}
          : tokens[Math.min(id - 258, size - 1)].getBytes(StandardCharsets.ISO_8859_1);
    });
  }

  /** A large vocabulary as multilingual models have it: single bytes, words with and without a space, and punctuation. */
  static TokenTrie large(int size) {
    Random random = new Random(5);
    String[] syllables = {"ba", "con", "ter", "ing", "ly", "pre", "st", "ment", "o", "es", "é", "日", "語", "ка", "при",
        "\"", "\": ",
        "\",", "},", "{\"", "1", "20", "  ", "\n", ".", "_", "(", ");"};
    TreeSet<String> words = new TreeSet<>();
    while (words.size() < size - 256) {
      StringBuilder word = new StringBuilder(random.nextBoolean() ? " " : "");
      int parts = 1 + random.nextInt(4);
      for (int i = 0; i < parts; i++) {
        word.append(syllables[random.nextInt(random.nextInt(8) == 0 ? syllables.length : 15)]);
        if (random.nextInt(3) == 0) {
          word.append((char) ('a' + random.nextInt(26)));
        }
      }
      words.add(word.toString());
    }
    String[] tokens = words.toArray(new String[0]);
    return new TokenTrie(size, id -> id < 256
        ? new byte[]{(byte) id}
        : tokens[id - 256].getBytes(StandardCharsets.UTF_8));
  }
}
