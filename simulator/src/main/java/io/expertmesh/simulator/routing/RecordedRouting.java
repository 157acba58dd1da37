package io.expertmesh.simulator.routing;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads answers of {@code /v1/completions} with {@code "return_routing": true}: one as it came, a list of them, or one
 * in each line. All choices count, in their order.
 */
final class RecordedRouting {
  private final String from;
  private final int layers;
  private final int experts;
  private final int topK;
  private final List<JsonNode> tokens = new ArrayList<>();
  private final List<JsonNode> weights = new ArrayList<>();

  private RecordedRouting(String from, int layers, int experts, int topK) {
    this.from = from;
    this.layers = layers;
    this.experts = experts;
    this.topK = topK;
  }

  /**
   * @throws FailureException NOT_FOUND or INVALID_REQUEST if it cannot be read, or is not the routing of a model of this
   *     shape
   */
  static Routing read(Path file, int layers, int experts, int topK) {
    try {
      return of(file.toString(), Files.readString(file), layers, experts, topK);
    } catch (IOException unreadable) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "--routing: %s cannot be read: %s".formatted(file, IoReason.of(unreadable)), unreadable);
    }
  }

  /**
   * @param from what the text is from, for messages
   */
  static Routing of(String from, String text, int layers, int experts, int topK) {
    RecordedRouting recording = new RecordedRouting(from, layers, experts, topK);
    try (MappingIterator<JsonNode> documents = JsonMapper.shared().readerFor(JsonNode.class).readValues(text)) {
      while (documents.hasNextValue()) {
        recording.add(documents.nextValue());
      }
    } catch (JacksonException wrong) {
      throw recording.wrong("is not JSON: " + wrong.getOriginalMessage());
    }
    return recording.routing();
  }

  private void add(JsonNode document) {
    if (document.isArray()) {
      document.forEach(this::add);
    } else if (document.has("choices")) {
      document.get("choices").forEach(this::add);
    } else if (document.has("routing")) {
      addRouting(document.get("routing"));
    } else {
      addRouting(document);
    }
  }

  private void addRouting(JsonNode routing) {
    JsonNode experts = routing.path("experts");
    if (!experts.isArray()) {
      throw wrong("has no routing: expected answers of /v1/completions with \"return_routing\": true");
    }
    for (int token = 0; token < experts.size(); token++) {
      tokens.add(experts.get(token));
      weights.add(routing.path("weights").path(token));
    }
  }

  private Routing routing() {
    if (tokens.isEmpty()) {
      throw wrong("has no tokens");
    }
    short[][] chosen = new short[layers][tokens.size() * topK];
    for (int token = 0; token < tokens.size(); token++) {
      requireSize("layers", tokens.get(token), layers, token);
      for (int layer = 0; layer < layers; layer++) {
        JsonNode ids = tokens.get(token).get(layer);
        requireSize("experts in a layer", ids, topK, token);
        for (int rank = 0; rank < topK; rank++) {
          boolean dropped = weights.get(token).path(layer).path(rank).asDouble(1) == 0;
          chosen[layer][token * topK + rank] = dropped ? -1 : id(ids.get(rank), token);
        }
      }
    }
    return new Routing("recorded (%d tokens)".formatted(tokens.size()), experts, topK, chosen);
  }

  private void requireSize(String what, JsonNode node, int size, int token) {
    if (!node.isArray() || node.size() != size) {
      throw wrong("has %s %s at token %d, and the model has %d".formatted(
          node.isArray() ? String.valueOf(node.size()) : "no list of", what, token, size));
    }
  }

  private short id(JsonNode id, int token) {
    int value = id.isInt() ? id.intValue() : -1;
    if (value < 0 || value >= experts) {
      throw wrong("names the expert %s at token %d, and the model has 0 to %d".formatted(id, token, experts - 1));
    }
    return (short) value;
  }

  private FailureException wrong(String what) {
    return FailureException.invalidParameter("--routing", "--routing: %s %s".formatted(from, what));
  }
}
