package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.jinja.JinjaException;
import io.expertmesh.model.jinja.Template;
import java.time.Clock;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The checkpoint's own way of writing a chat as one text, rendered as transformers' {@code apply_chat_template} does.
 * Thread-safe.
 *
 * <p>The text is to be encoded without the tokenizer's own prefix and suffix ({@code addSpecialTokens} false), since
 * the template writes them. Names of special tokens that a user writes into a message become those tokens, as with
 * transformers by default, vLLM and others: whoever may write to a model's context is trusted with its format.
 */
public final class ChatTemplate {
  private static final Logger LOG = LoggerFactory.getLogger(ChatTemplate.class);

  /** A chat with a call whose arguments are found again in the text if the template can write them. */
  private static final List<ChatMessage> SAMPLE_CALL = List.of(new ChatMessage("user", "sample"),
      new ChatMessage("assistant", null, null,
          List.of(new ToolCall("sample001", "sample", "{\"sample_key\": \"sample value\"}")), null));
  private static final Pattern SAMPLE_ARGUMENTS = Pattern.compile("\\{\"sample_key\": ?\"sample value\"}");

  private final String jinja;
  private final @Nullable Template template;
  private final String problem;
  private final String source;
  private final Map<String, String> specialTokens;
  private volatile @Nullable ChatVariables callWay;

  /**
   * A template that cannot be read is not a failure yet, since the model can do everything but chat: {@link #render}
   * fails.
   *
   * @param jinja the template
   * @param specialTokens {@code bos_token}, {@code eos_token} and others that the checkpoint names
   * @param source where the template is from, for messages
   */
  public ChatTemplate(String jinja, Map<String, String> specialTokens, String source) {
    this.jinja = jinja;
    this.specialTokens = Map.copyOf(specialTokens);
    this.source = source;
    Template parsed = null;
    String message = "";
    try {
      parsed = Template.parse(jinja);
    } catch (JinjaException e) {
      message = "the chat template of %s cannot be used: %s".formatted(source, e.getMessage());
      LOG.warn("{}; requests to chat will fail", message);
    }
    template = parsed;
    problem = message;
  }

  /** The template's text. */
  public String jinja() {
    return jinja;
  }

  /** Whether the template has a place for descriptions of tools. */
  public boolean takesTools() {
    return template != null && template.mentions("tools");
  }

  /** {@link #render(List, List, boolean)} without tools. */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    return render(messages, List.of(), addGenerationPrompt);
  }

  /**
   * The chat as text.
   *
   * @param tools that the model may call: {@code {"type": "function", "function": {"name", "description", "parameters"}}}
   * @param addGenerationPrompt whether the text ends where the assistant's answer begins
   * @throws FailureException INVALID_REQUEST if the template refuses the messages, with the template's own words;
   *     INVALID_CHECKPOINT if the template is at fault
   */
  public String render(List<ChatMessage> messages, List<? extends JsonNode> tools, boolean addGenerationPrompt) {
    if (template == null) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT, problem);
    }
    boolean calls = messages.stream().anyMatch(message -> !message.toolCalls().isEmpty());
    try {
      return render(template, messages, calls ? callWay(template) : ChatVariables.WAYS.getFirst(), tools,
          addGenerationPrompt);
    } catch (JinjaException e) {
      throw failure(e);
    }
  }

  private String render(Template readable, List<ChatMessage> messages, ChatVariables way,
      List<? extends JsonNode> tools, boolean addGenerationPrompt) {
    Map<String, @Nullable Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", way.messages(messages));
    variables.put("add_generation_prompt", addGenerationPrompt);
    variables.put("tools", tools.isEmpty() ? null : tools.stream().map(ChatVariables::value).toList());
    variables.put("documents", null);
    return readable.render(variables, Clock.system(ZoneId.systemDefault()));
  }

  /** The way of giving it calls in which the template writes the arguments as they are. */
  private ChatVariables callWay(Template readable) {
    ChatVariables known = callWay;
    if (known == null) {
      known = ChatVariables.WAYS.stream().filter(way -> writesCalls(readable, way)).findFirst()
          .orElse(ChatVariables.WAYS.getFirst());
      callWay = known;
    }
    return known;
  }

  private boolean writesCalls(Template readable, ChatVariables way) {
    try {
      return SAMPLE_ARGUMENTS.matcher(render(readable, SAMPLE_CALL, way, List.of(), false)).find();
    } catch (JinjaException notThisWay) {
      return false;
    }
  }

  private FailureException failure(JinjaException e) {
    return switch (e.kind()) {
      case RAISED, RUNTIME -> FailureException.invalidParameter("messages",
          "the model's chat template does not accept these messages: " + e.getMessage());
      case SYNTAX, BUDGET -> new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "the chat template of %s cannot be used: %s".formatted(source, e.getMessage()), e);
    };
  }
}
