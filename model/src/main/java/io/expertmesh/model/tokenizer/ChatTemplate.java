package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.jinja.JinjaException;
import io.expertmesh.model.jinja.Template;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

  private final @Nullable Template template;
  private final String problem;
  private final String source;
  private final Map<String, String> specialTokens;

  /**
   * A template that cannot be read is not a failure yet, since the model can do everything but chat: {@link #render}
   * fails.
   *
   * @param jinja the template
   * @param specialTokens {@code bos_token}, {@code eos_token} and others that the checkpoint names
   * @param source where the template is from, for messages
   */
  public ChatTemplate(String jinja, Map<String, String> specialTokens, String source) {
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

  /**
   * The chat as text.
   *
   * @param addGenerationPrompt whether the text ends where the assistant's answer begins
   * @throws FailureException INVALID_REQUEST if the template refuses the messages, with the template's own words;
   *     INVALID_CHECKPOINT if the template is at fault
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    if (template == null) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT, problem);
    }
    Map<String, @Nullable Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", variables(messages));
    variables.put("add_generation_prompt", addGenerationPrompt);
    variables.put("tools", null);
    variables.put("documents", null);
    try {
      return template.render(variables, Clock.system(ZoneId.systemDefault()));
    } catch (JinjaException e) {
      throw failure(e);
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

  private static List<Map<String, Object>> variables(List<ChatMessage> messages) {
    List<Map<String, Object>> variables = new ArrayList<>(messages.size());
    for (ChatMessage message : messages) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("role", message.role());
      fields.put("content", message.content());
      if (message.name() != null) {
        fields.put("name", message.name());
      }
      variables.add(fields);
    }
    return variables;
  }
}
