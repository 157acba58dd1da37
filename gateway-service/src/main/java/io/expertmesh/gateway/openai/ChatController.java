package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.JsonBody;
import io.expertmesh.gateway.security.Caller;
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
  private final Constraints constraints;
  private final GatewayConfiguration configuration;

  ChatController(ModelVersions versions, AnswerService answers, GatewayConfiguration configuration) {
    this.versions = versions;
    this.answers = answers;
    this.constraints = new Constraints(versions.main().model().tokenizer());
    this.configuration = configuration;
  }

  @PostMapping("/v1/chat/completions")
  void chat(HttpServletRequest request, HttpServletResponse response) throws IOException {
    ChatRequest chat = ChatRequest.read(JsonBody.read(request), versions.main().model(), configuration);
    Frame frame = Frame.of("chatcmpl-", versions, Caller.of(request), chat.options());
    answers.answer(request, response, frame, chat.generations(frame.id(), frame.model(), constraints),
        new ChatFormat(chat, frame));
  }
}
