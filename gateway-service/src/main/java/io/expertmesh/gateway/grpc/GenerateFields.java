package io.expertmesh.gateway.grpc;

import com.google.protobuf.Message;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.proto.v1.GenerateRequest;
import io.expertmesh.proto.v1.Sampling;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A GenerateRequest as the fields that the HTTP API knows, so that one set of rules reads both. */
final class GenerateFields {
  private static final int MAX_LOGPROBS = 20;

  private final GenerateRequest request;
  private final ObjectNode fields = JsonNodeFactory.instance.objectNode();

  private GenerateFields(GenerateRequest request) {
    this.request = request;
  }

  /** @throws ApiException if the request says something that the HTTP API has no word for */
  static ObjectNode of(GenerateRequest request) {
    refuseUnknown("the request", request);
    refuseUnknown("sampling", request.getSampling());
    GenerateFields made = new GenerateFields(request);
    if (!request.getModel().isEmpty()) {
      made.fields.put("model", request.getModel());
    }
    made.input();
    made.sampling(request.getSampling());
    made.ending();
    made.reports();
    made.unavailable();
    return made.fields;
  }

  /** Nothing is ignored: fields of a newer protocol may change what an answer means. */
  private static void refuseUnknown(String where, Message message) {
    if (!message.getUnknownFields().asMap().isEmpty()) {
      throw ApiException.invalid(where, "%s has a field with the number %d, which this server does not know.".formatted(
          where, message.getUnknownFields().asMap().keySet().iterator().next()));
    }
  }

  private void input() {
    switch (request.getInputCase()) {
      case TEXT -> fields.put("prompt", request.getText());
      case TOKEN_IDS -> {
        if (request.getTokenIds().getIdsCount() == 0) {
          throw ApiException.invalid("token_ids", "'token_ids' is empty; the model needs at least one token.");
        }
        ArrayNode ids = fields.putArray("prompt");
        request.getTokenIds().getIdsList().forEach(id -> ids.add(Integer.toUnsignedLong(id)));
      }
      case CONVERSATION -> {
        ArrayNode messages = fields.putArray("messages");
        request.getConversation().getMessagesList().forEach(message -> messages.addObject()
            .put("role", message.getRole()).put("content", message.getContent()));
      }
      case INPUT_NOT_SET -> throw ApiException.invalid("input",
          "The request has no input: one of 'text', 'token_ids' and 'conversation' must be there.");
    }
  }

  private void sampling(Sampling sampling) {
    if (sampling.hasTemperature()) {
      fields.put("temperature", sampling.getTemperature());
    }
    if (sampling.hasTopK()) {
      fields.put("top_k", Integer.toUnsignedLong(sampling.getTopK()));
    }
    if (sampling.hasTopP()) {
      fields.put("top_p", sampling.getTopP());
    }
    if (sampling.hasMinP()) {
      fields.put("min_p", sampling.getMinP());
    }
    if (sampling.hasRepetitionPenalty()) {
      fields.put("repetition_penalty", sampling.getRepetitionPenalty());
    }
    if (sampling.hasPresencePenalty()) {
      fields.put("presence_penalty", sampling.getPresencePenalty());
    }
    if (sampling.hasFrequencyPenalty()) {
      fields.put("frequency_penalty", sampling.getFrequencyPenalty());
    }
    if (sampling.hasSeed()) {
      fields.put("seed", sampling.getSeed());
    }
  }

  private void ending() {
    if (request.hasMaxTokens()) {
      fields.put("max_tokens", Integer.toUnsignedLong(request.getMaxTokens()));
    }
    if (request.getStopCount() > 0) {
      ArrayNode stop = fields.putArray("stop");
      request.getStopList().forEach(stop::add);
    }
    if (request.getIgnoreEos()) {
      fields.put("ignore_eos", true);
    }
    if (!request.getJsonSchema().isEmpty()) {
      fields.putObject("response_format").put("type", "json_schema").putObject("json_schema").set("schema", schema());
    }
  }

  private JsonNode schema() {
    try {
      return JsonMapper.shared().readTree(request.getJsonSchema());
    } catch (JacksonException broken) {
      throw ApiException.invalid("json_schema", "'json_schema' is not JSON: " + broken.getOriginalMessage());
    }
  }

  private void reports() {
    if (request.hasLogprobs()) {
      if (Integer.compareUnsigned(request.getLogprobs(), MAX_LOGPROBS) > 0) {
        throw ApiException.invalid("logprobs", "'logprobs' is %s; it must be 0 to %d.".formatted(
            Integer.toUnsignedString(request.getLogprobs()), MAX_LOGPROBS));
      }
      if (request.hasConversation()) {
        fields.put("logprobs", true).put("top_logprobs", request.getLogprobs());
      } else {
        fields.put("logprobs", request.getLogprobs());
      }
    }
    if (request.getReturnRouting()) {
      fields.put("return_routing", true);
    }
  }

  private void unavailable() {
    String policy = switch (request.getUnavailablePolicy()) {
      case UNAVAILABLE_POLICY_UNSPECIFIED -> null;
      case UNAVAILABLE_POLICY_STRICT -> "strict";
      case UNAVAILABLE_POLICY_WAIT -> "wait";
      case UNAVAILABLE_POLICY_SUBSTITUTE -> "substitute";
      case UNAVAILABLE_POLICY_DROP -> "drop";
      case UNRECOGNIZED -> throw ApiException.invalid("unavailable_policy",
          "'unavailable_policy' is %d, which this server does not know.".formatted(
              request.getUnavailablePolicyValue()));
    };
    if (policy != null) {
      fields.putObject("expertmesh").put("unavailable_policy", policy);
    }
  }
}
