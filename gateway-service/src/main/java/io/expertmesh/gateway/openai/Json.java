package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.text.TextEvent.GeneratedToken;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Parts of answers that both endpoints write alike. */
final class Json {
  static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private Json() {}

  static String finishReason(FinishReason reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  static ArrayNode ids(int[] ids) {
    ArrayNode array = NODES.arrayNode(ids.length);
    for (int id : ids) {
      array.add(id);
    }
    return array;
  }

  static ArrayNode ids(List<GeneratedToken> tokens) {
    ArrayNode array = NODES.arrayNode(tokens.size());
    tokens.forEach(token -> array.add(token.id()));
    return array;
  }

  /** {@code routing} by token, MoE layer and rank. */
  static ObjectNode routing(List<TokenRouting> routing, ServedModel model) {
    ObjectNode object = NODES.objectNode();
    ArrayNode layers = object.putArray("moe_layers");
    model.decoderMoeLayers().forEach(layers::add);
    ArrayNode experts = object.putArray("experts");
    ArrayNode weights = object.putArray("weights");
    for (TokenRouting token : routing) {
      ArrayNode tokenExperts = experts.addArray();
      for (int[] layer : token.experts()) {
        tokenExperts.add(ids(layer));
      }
      ArrayNode tokenWeights = weights.addArray();
      for (float[] layer : token.weights()) {
        ArrayNode layerWeights = tokenWeights.addArray();
        for (float weight : layer) {
          layerWeights.add(weight);
        }
      }
    }
    return object;
  }
}
