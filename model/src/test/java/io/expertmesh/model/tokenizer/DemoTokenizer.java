package io.expertmesh.model.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;

/** The demo model's folder and what transformers answers for its tokenizer. */
final class DemoTokenizer {
  static final Path FOLDER = Path.of("../models/demo");
  /** Rows of the demo model's embedding. */
  static final int MODEL_VOCABULARY = 1024;

  private DemoTokenizer() {}

  static JsonTokenizer open() {
    Path file = FOLDER.resolve("tokenizer.json");
    return new JsonTokenizer(Json.readObject(file), MODEL_VOCABULARY, file.toString());
  }

  static JsonNode reference() {
    return resource("/golden/demo/reference.json");
  }

  static JsonNode resource(String name) {
    try (InputStream in = DemoTokenizer.class.getResourceAsStream(name)) {
      return Json.MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(name, e);
    }
  }

  static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }
}
