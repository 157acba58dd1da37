package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextEvent.Usage;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.versions.ModelVersions;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What every response and every chunk of one request has around its choices.
 *
 * @param modelName what clients call the model, whatever the version
 * @param version the one that all answers of the request use
 */
record Frame(String id, long created, String modelName, ModelVersions.Version version, GenerationOptions options) {
  /** @param caller who asks; null where no keys are configured */
  static Frame of(String idPrefix, ModelVersions versions, @Nullable Caller caller, GenerationOptions options) {
    String id = idPrefix + UUID.randomUUID().toString().replace("-", "");
    ModelVersions.Version version = versions.choose(id, options.expertMesh().version(),
        caller == null ? null : caller.name());
    return new Frame(id, Instant.now().getEpochSecond(), versions.main().model().name(), version, options);
  }

  /** The model in the version that is used. */
  ServedModel model() {
    return version.model();
  }

  ObjectNode open(String object) {
    return Json.NODES.objectNode()
        .put("id", id)
        .put("object", object)
        .put("created", created)
        .put("model", modelName)
        .put("system_fingerprint", version.name());
  }

  /** A chunk around {@code choice}. */
  ObjectNode chunk(String object, ObjectNode choice) {
    ObjectNode chunk = open(object);
    chunk.putArray("choices").add(choice);
    if (options.includeUsage()) {
      chunk.putNull("usage");
    }
    return chunk;
  }

  /** A chunk around {@code choice}, which is there because of {@code event}. */
  ObjectNode chunk(String object, ObjectNode choice, TextEvent event) {
    ObjectNode chunk = chunk(object, choice);
    if (event instanceof TextEvent.End end) {
      addExpertMesh(chunk, end.degraded());
    }
    return chunk;
  }

  /** The last chunk, with usage and without a choice. */
  ObjectNode usageChunk(String object, List<Answer> answers) {
    ObjectNode chunk = open(object);
    chunk.putArray("choices");
    chunk.set("usage", usage(answers));
    return chunk;
  }

  /** A whole response around {@code choices}. */
  ObjectNode whole(String object, ArrayNode choices, List<Answer> answers) {
    ObjectNode whole = open(object);
    whole.set("choices", choices);
    whole.set("usage", usage(answers));
    addExpertMesh(whole, answers.stream().flatMap(answer -> answer.end().degraded().stream()).toList());
    return whole;
  }

  /**
   * What a whole response and the last chunk of each choice say about missing experts, if the request asks about them
   * or some were missing.
   *
   * @param degraded may name a layer more than once
   */
  void addExpertMesh(ObjectNode response, List<Degradation> degraded) {
    if (!options.expertMesh().sent() && degraded.isEmpty()) {
      return;
    }
    SortedMap<Integer, SortedSet<Integer>> byLayer = new TreeMap<>();
    for (Degradation one : degraded) {
      byLayer.computeIfAbsent(one.layer(), layer -> new TreeSet<>()).addAll(one.experts());
    }
    ArrayNode list = response.putObject("expertmesh")
        .put("unavailable_policy", ExpertMeshOptions.name(options.expertMesh().whenUnavailable().policy()))
        .putArray("degraded");
    byLayer.forEach((layer, experts) -> {
      ArrayNode ids = list.addObject().put("layer", layer).putArray("experts");
      experts.forEach(ids::add);
    });
  }

  /** What the end of every choice has, streamed or not. */
  void addRouting(ObjectNode choice, Answer answer) {
    if (options.returnRouting()) {
      choice.set("routing", Json.routing(answer.routing(), model()));
    }
  }

  /** Each prompt counts once, however many answers it has. */
  private ObjectNode usage(List<Answer> answers) {
    int prompt = 0;
    int generated = 0;
    int reused = 0;
    for (int i = 0; i < answers.size(); i++) {
      Usage usage = answers.get(i).end().usage();
      generated += usage.generated();
      if (i % options.n() == 0) {
        prompt += usage.prompt();
        reused += usage.reused();
      }
    }
    ObjectNode node = Json.NODES.objectNode()
        .put("prompt_tokens", prompt)
        .put("completion_tokens", generated)
        .put("total_tokens", prompt + generated);
    node.putObject("prompt_tokens_details").put("cached_tokens", reused);
    return node;
  }
}
