package io.expertmesh.model.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Tiny tokenizers and what the reference libraries make of awkward texts ({@code tools/golden/tokenizer_cases.py}). */
final class TokenizerFixtures {
  static final Path FOLDER = Path.of("src/test/resources/tokenizers");

  private TokenizerFixtures() {}

  static byte[] unpacked(String name) {
    try (InputStream in = new GZIPInputStream(Files.newInputStream(FOLDER.resolve(name + ".gz")))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode json(String name) {
    return Json.MAPPER.readTree(unpacked(name));
  }

  static List<String> texts() {
    return strings(json("texts.json"));
  }

  static List<String> strings(JsonNode array) {
    List<String> strings = new ArrayList<>();
    array.forEach(text -> strings.add(text.stringValue()));
    return strings;
  }

  /** A folder with the SentencePiece model of fixture {@code name} as {@code file}, and {@code config.json}. */
  static Path folder(Path parent, String name, String file, ObjectNode config) {
    try {
      Path folder = Files.createTempDirectory(parent, name);
      Files.write(folder.resolve(file), unpacked(name + "/model"));
      Files.write(folder.resolve("config.json"), Json.bytes(config));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static ObjectNode object() {
    return Json.MAPPER.createObjectNode();
  }
}
