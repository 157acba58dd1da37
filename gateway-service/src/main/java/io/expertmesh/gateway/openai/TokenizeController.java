package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonBody;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.gateway.http.JsonResponse;
import io.expertmesh.model.tokenizer.ChatMessage;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /tokenize} and {@code /detokenize} with vLLM's fields. */
@RestController
final class TokenizeController {
  private final ServedModel model;

  TokenizeController(ServedModel model) {
    this.model = model;
  }

  @PostMapping("/tokenize")
  void tokenize(HttpServletRequest request, HttpServletResponse response) throws IOException {
    JsonFields fields = JsonBody.read(request);
    ModelName.check(fields, model);
    boolean tokenStrings = fields.bool("return_token_strs", false);
    int[] ids = fields.any("messages") == null ? prompt(fields) : messages(fields);
    fields.end();
    ObjectNode body = Json.NODES.objectNode().put("count", ids.length).put("max_model_len", model.contextLength());
    body.set("tokens", Json.ids(ids));
    if (tokenStrings) {
      ArrayNode strings = body.putArray("token_strs");
      for (int id : ids) {
        strings.add(model.tokenizer().tokenText(id));
      }
    } else {
      body.putNull("token_strs");
    }
    JsonResponse.write(response, body);
  }

  private int[] prompt(JsonFields fields) {
    String prompt = fields.string("prompt");
    if (prompt == null) {
      throw ApiException.invalid("prompt", "'prompt' or 'messages' is missing.");
    }
    return model.tokenizer().encode(prompt, fields.bool("add_special_tokens", true));
  }

  private int[] messages(JsonFields fields) {
    List<ChatMessage> messages = ChatMessages.read(fields);
    List<ObjectNode> tools = ToolUse.descriptions(fields, model);
    return ChatRequest.prompt(messages, tools, model, fields.bool("add_generation_prompt", true)).ids();
  }

  @PostMapping("/detokenize")
  void detokenize(HttpServletRequest request, HttpServletResponse response) throws IOException {
    JsonFields fields = JsonBody.read(request);
    ModelName.check(fields, model);
    ArrayNode tokens = fields.array("tokens");
    fields.end();
    if (tokens == null) {
      throw ApiException.invalid("tokens", "'tokens' is missing.");
    }
    int[] ids = Prompt.tokenIds("tokens", tokens, model.vocabularySize());
    JsonResponse.write(response, Json.NODES.objectNode().put("prompt", model.tokenizer().decode(ids, false)));
  }
}
