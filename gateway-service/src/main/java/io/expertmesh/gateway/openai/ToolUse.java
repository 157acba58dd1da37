package io.expertmesh.gateway.openai;

import io.expertmesh.engine.constraint.CallConstraints;
import io.expertmesh.engine.constraint.CallableFunction;
import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.toolcall.ToolCallFormat;
import io.expertmesh.engine.toolcall.ToolCallReader;
import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.model.tokenizer.ChatTemplate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The functions that a chat may call.
 *
 * @param tools none if the chat calls nothing
 * @param several whether one answer may call more than once
 * @param format how the model writes calls
 * @param specialMarks special tokens that it writes them with
 */
record ToolUse(List<Tool> tools, ToolChoice choice, boolean several, ToolCallFormat format,
    Map<Integer, String> specialMarks) {
  /** As OpenAI. */
  private static final int MAX_TOOLS = 128;
  private static final int MAX_CHARACTERS = 1 << 18;
  private static final int MAX_DEPTH = 64;

  /** @return null if the chat calls nothing */
  static @Nullable ToolUse read(JsonFields fields, ServedModel model) {
    List<Tool> tools = tools(fields);
    ToolChoice choice = ToolChoice.read(fields);
    boolean several = fields.bool("parallel_tool_calls", true);
    switch (choice) {
      case ToolChoice.None none -> tools = List.of();
      case ToolChoice.Auto auto -> {
      }
      case ToolChoice.Required required -> requireSome(tools);
      case ToolChoice.Named named -> {
        requireSome(tools);
        if (tools.stream().noneMatch(tool -> tool.name().equals(named.function()))) {
          throw ApiException.invalid("tool_choice",
              "'tool_choice' names the function '%s', which is not among the 'tools': %s.".formatted(named.function(),
                  tools.stream().map(Tool::name).collect(Collectors.joining(", "))));
        }
      }
    }
    if (tools.isEmpty()) {
      return null;
    }
    ToolCallFormat format = format(model);
    return new ToolUse(tools, choice, several, format, format.specialMarks(model.tokenizer()));
  }

  private static void requireSome(List<Tool> tools) {
    if (tools.isEmpty()) {
      throw ApiException.invalid("tool_choice", "'tool_choice' asks for a call, but there are no 'tools'.");
    }
  }

  private static List<Tool> tools(JsonFields fields) {
    ArrayNode array = fields.array("tools");
    if (array == null) {
      return List.of();
    }
    if (array.size() > MAX_TOOLS) {
      throw ApiException.invalid("tools", "'tools' has %d tools; at most %d are taken.".formatted(array.size(),
          MAX_TOOLS));
    }
    int length = array.toString().length();
    if (length > MAX_CHARACTERS || depth(array) > MAX_DEPTH) {
      throw ApiException.invalid("tools",
          "'tools' has %d characters of JSON, nested %d deep; at most %d and %d are taken.".formatted(length,
              depth(array), MAX_CHARACTERS, MAX_DEPTH));
    }
    List<Tool> tools = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonNode element : array) {
      Tool tool = Tool.read(fields.element("tools", element, tools.size()));
      if (!names.add(tool.name())) {
        throw ApiException.invalid("tools", "'tools' has two functions with the name '%s'.".formatted(tool.name()));
      }
      tools.add(tool);
    }
    return tools;
  }

  private static int depth(JsonNode node) {
    int deepest = 0;
    for (JsonNode child : node.values()) {
      deepest = Math.max(deepest, depth(child));
    }
    return node.isContainer() ? deepest + 1 : 0;
  }

  /** The descriptions of tools that a prompt is to have, whatever the model makes of them. */
  static List<ObjectNode> descriptions(JsonFields fields, ServedModel model) {
    List<Tool> tools = tools(fields);
    if (!tools.isEmpty()) {
      template(model);
    }
    return tools.stream().map(Tool::description).toList();
  }

  private static ChatTemplate template(ServedModel model) {
    ChatTemplate template = model.chatTemplate();
    if (template == null || !template.takesTools()) {
      throw refused("This model's chat template has no place for tools, so '%s' cannot be told of them. Leave 'tools'"
          + " out, or serve the model with a chat_template.jinja that writes them.", model);
    }
    return template;
  }

  private static ToolCallFormat format(ServedModel model) {
    ToolCallFormat format = ToolCallFormat.of(template(model).jinja());
    if (format == null) {
      throw refused("'%s' calls tools in a format that this server does not read; it reads those of Qwen (Hermes),"
          + " DeepSeek and Mistral. Leave 'tools' out.", model);
    }
    return format;
  }

  private static ApiException refused(String message, ServedModel model) {
    return new ApiException(ApiError.badRequest("tools", "unsupported_parameter", message.formatted(model.name())));
  }

  /** The tools as the chat template gets them. */
  List<ObjectNode> descriptions() {
    return tools.stream().map(Tool::description).toList();
  }

  /**
   * What an answer must be so that the choice is kept.
   *
   * @param format of an answer that calls nothing
   * @return null for free text
   */
  @Nullable
  TokenConstraint constraint(CallConstraints constraints, ResponseFormat format) {
    List<CallableFunction> free = tools.stream().map(Tool::freelyCalled).toList();
    return switch (choice) {
      case ToolChoice.Required required -> constraints.calls(tools.stream().map(Tool::function).toList(), several);
      case ToolChoice.Named named -> constraints.calls(tools.stream().map(Tool::function)
          .filter(function -> function.name().equals(named.function())).toList(), false);
      case ToolChoice.None none -> throw new IllegalStateException("a chat that calls nothing has no tools");
      case ToolChoice.Auto auto -> switch (format) {
        case ResponseFormat.Text text -> strict() || !several ? constraints.textThenCalls(free, several) : null;
        case ResponseFormat.JsonObject object ->
          constraints.callsOrJson(free, several, Json.NODES.objectNode().put("type", "object"), false);
        case ResponseFormat.JsonSchema schema ->
          constraints.callsOrJson(free, several, schema.schema(), schema.strict());
      };
    };
  }

  private boolean strict() {
    return tools.stream().anyMatch(tool -> tool.function().strict());
  }

  /** Finds the calls in one answer. */
  ToolCallReader reader() {
    return new ToolCallReader(format, tools.stream().map(Tool::name).collect(Collectors.toSet()));
  }
}
