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
final class ChatController {
  private final ModelVersions versions;
  private final AnswerService answers;
  private final Traces traces;
  private final Constraints constraints;
  private final GatewayConfiguration configuration;

  ChatController(ModelVersions versions, AnswerService answers, Traces traces,
      GatewayConfiguration configuration) {
    this.versions = versions;
    this.answers = answers;
    this.traces = traces;
    this.constraints = new Constraints(versions.main().model().tokenizer());
    this.configuration = configuration;
  }

  @PostMapping("/v1/chat/completions")
  void chat(HttpServletRequest request, HttpServletResponse response) throws IOException {
    JsonFields body = JsonBody.read(request);
    ChatRequest chat = traces.prompt(() -> ChatRequest.read(body, versions.main().model(), configuration));
    Frame frame = Frame.of("chatcmpl-", versions, Caller.of(request), chat.options());
    answers.answer(request, response, frame, chat.generations(RequestIdFilter.of(request), frame.model(), constraints),
        new ChatFormat(chat, frame));
  }
}
