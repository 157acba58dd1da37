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
final class ChatController {
  private final ServedModel model;
  private final AnswerService answers;
  private final Constraints constraints;
  private final int maxAnswers;

  ChatController(ServedModel model, AnswerService answers, GatewayConfiguration configuration) {
    this.model = model;
    this.answers = answers;
    this.constraints = new Constraints(model.tokenizer());
    this.maxAnswers = configuration.maxAnswers();
  }

  @PostMapping("/v1/chat/completions")
  void chat(HttpServletRequest request, HttpServletResponse response) throws IOException {
    ChatRequest chat = ChatRequest.read(JsonBody.read(request), model, maxAnswers);
    Frame frame = Frame.of("chatcmpl-", model, chat.options());
    answers.answer(request, response, chat.generations(frame.id(), model, constraints), chat.options(),
        new ChatFormat(chat, frame));
  }
}
