package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.text.TextEvent.Usage;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What every response and every chunk of one request has around its choices. */
record Frame(String id, long created, ServedModel model, GenerationOptions options) {
  static Frame of(String idPrefix, ServedModel model, GenerationOptions options) {
    String id = idPrefix + UUID.randomUUID().toString().replace("-", "");
    return new Frame(id, Instant.now().getEpochSecond(), model, options);
  }

  ObjectNode open(String object) {
    return Json.NODES.objectNode()
        .put("id", id)
        .put("object", object)
        .put("created", created)
        .put("model", model.name());
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
    return whole;
  }

  /** What the end of every choice has, streamed or not. */
  void addRouting(ObjectNode choice, Answer answer) {
    if (options.returnRouting()) {
      choice.set("routing", Json.routing(answer.routing(), model));
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
