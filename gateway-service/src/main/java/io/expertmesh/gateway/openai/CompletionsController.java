package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.JsonBody;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class CompletionsController {
  private final ServedModel model;
  private final AnswerService answers;
  private final int maxAnswers;

  CompletionsController(ServedModel model, AnswerService answers, GatewayConfiguration configuration) {
    this.model = model;
    this.answers = answers;
    this.maxAnswers = configuration.maxAnswers();
  }

  @PostMapping("/v1/completions")
  void complete(HttpServletRequest request, HttpServletResponse response) throws IOException {
    CompletionRequest completion = CompletionRequest.read(JsonBody.read(request), model, maxAnswers);
    Frame frame = Frame.of("cmpl-", model, completion.options());
    answers.answer(request, response, completion.generations(frame.id(), model), completion.options(),
        new CompletionFormat(completion, frame));
  }
}
