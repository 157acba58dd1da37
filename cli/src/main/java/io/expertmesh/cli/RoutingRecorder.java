package io.expertmesh.cli;

import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.engine.text.ServedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Lets a model answer prompts of several kinds and keeps which experts it chose. */
final class RoutingRecorder {
  private static final int TOKENS = 96;
  private static final Duration WAIT = Duration.ofSeconds(1);
  /** Of the domains that the demo model knows, which others know too. */
  private static final List<String> PROMPTS = List.of(
      "Once upon a time there was a little",
      "What is 17 + 25?",
      "How do you say river in French?",
      "The gateway sends each token to",
      "def add(a, b):\n    return",
      "In 1905 a young physicist wrote",
      "What is 8 + 64? What is 31 + 9?",
      "The cat and the dog went to the");

  private final ModelOptions model;

  RoutingRecorder(ModelOptions model) {
    this.model = model;
  }

  /**
   * One line of JSON for each prompt, as {@code /v1/completions} has it in a choice.
   *
   * @param file where they are written too; null for nowhere
   */
  List<String> record(@Nullable Path file) throws IOException, InterruptedException {
    List<String> lines = new ArrayList<>();
    try (EmbeddedModel opened = model.open()) {
      for (String prompt : PROMPTS) {
        ServedModel served = opened.served();
        lines.add(answer(served, served.tokenizer().encode(prompt, true), TOKENS));
      }
    }
    if (file != null) {
      Files.write(file, lines);
    }
    return lines;
  }

  /** The routing of one answer, as JSON. */
  static String answer(ServedModel served, int[] prompt, int generatedTokens) throws InterruptedException {
    List<TokenRouting> tokens = new ArrayList<>();
    GenerationRequest request = new GenerationRequest("record", prompt, generatedTokens, SamplingParameters.GREEDY,
        Set.of(), -1, -1, true, null);
    try (Generation generation = served.engine().submit(request)) {
      for (boolean running = true; running;) {
        switch (generation.next(WAIT)) {
          case GenerationEvent.PromptDone done -> tokens.addAll(done.routing());
          case GenerationEvent.Finished finished -> {
            tokens.addAll(finished.generatedRouting());
            running = false;
          }
          case GenerationEvent.Failed failed -> throw failed.failure();
          case GenerationEvent.Token _ -> {
            // comes with the others at the end
          }
          case null -> {
            // still running
          }
        }
      }
    }
    ObjectNode line = JsonMapper.shared().createObjectNode();
    ObjectNode routing = line.putObject("routing");
    routing.set("experts", JsonMapper.shared().valueToTree(tokens.stream().map(TokenRouting::experts).toList()));
    routing.set("weights", JsonMapper.shared().valueToTree(tokens.stream().map(TokenRouting::weights).toList()));
    return line.toString();
  }
}
