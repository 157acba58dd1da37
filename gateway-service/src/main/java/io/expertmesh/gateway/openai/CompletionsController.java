package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.JsonBody;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.gateway.http.RequestIdFilter;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.gateway.versions.ModelVersions;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class CompletionsController {
  private final ModelVersions versions;
  private final AnswerService answers;
  private final Traces traces;
  private final GatewayConfiguration configuration;

  CompletionsController(ModelVersions versions, AnswerService answers, Traces traces,
      GatewayConfiguration configuration) {
    this.versions = versions;
    this.answers = answers;
    this.traces = traces;
    this.configuration = configuration;
  }

  @PostMapping("/v1/completions")
  void complete(HttpServletRequest request, HttpServletResponse response) throws IOException {
    JsonFields body = JsonBody.read(request);
    CompletionRequest completion = traces.prompt(
        () -> CompletionRequest.read(body, versions.main().model(), configuration));
    Frame frame = Frame.of("cmpl-", versions, Caller.of(request), completion.options());
    answers.answer(request, response, frame, completion.generations(RequestIdFilter.of(request), frame.model()),
        new CompletionFormat(completion, frame));
  }
}
