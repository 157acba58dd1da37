package io.expertmesh.cli;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.tokenizer.ChatMessage;
import io.expertmesh.model.tokenizer.ChatTemplate;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** A conversation with a model: lines go in, answers come out, and some lines are commands. */
final class ChatSession {
  static final String COMMANDS = """
      /reset          forget the conversation
      /system TEXT    start over with this system message; without TEXT, without one
      /exit           leave
      """;

  private final ServedModel model;
  private final ChatTemplate template;
  private final SamplingOptions sampling;
  private final PrintWriter out;
  private final BooleanSupplier cancelled;
  private final List<ChatMessage> messages = new ArrayList<>();

  /**
   * @param cancelled asked while an answer is generated; true ends it
   * @throws FailureException INVALID_REQUEST if the model has no chat template, or has an encoder
   */
  ChatSession(ServedModel model, SamplingOptions sampling, PrintWriter out, BooleanSupplier cancelled) {
    if (model.decoderStart() != null) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "%s has an encoder: it answers one input and holds no conversation; use 'expertmesh complete'"
              .formatted(model.name()));
    }
    if (model.chatTemplate() == null) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "%s has no chat template; it continues text: use 'expertmesh complete'".formatted(model.name()));
    }
    this.model = model;
    this.template = model.chatTemplate();
    this.sampling = sampling;
    this.out = out;
    this.cancelled = cancelled;
  }

  /** Starts over, with a system message unless {@code text} is blank. */
  void system(String text) {
    messages.clear();
    if (!text.isBlank()) {
      messages.add(new ChatMessage("system", text.strip()));
    }
  }

  /**
   * Takes one line of the user. A line that fails is forgotten.
   *
   * @return whether the conversation goes on
   */
  boolean take(String line) throws InterruptedException {
    String text = line.strip();
    String command = text.split("\\s", 2)[0];
    switch (command) {
      case "" -> {
      }
      case "/exit", "/quit" -> {
        return false;
      }
      case "/reset" -> messages.removeIf(message -> !message.role().equals("system"));
      case "/system" -> system(text.substring(command.length()));
      case "/help" -> out.print(COMMANDS);
      default -> {
        if (command.matches("/[a-z]+")) {
          throw new FailureException(FailureCategory.INVALID_REQUEST,
              command + " is not a command; /help lists those there are");
        }
        answer(text);
      }
    }
    out.flush();
    return true;
  }

  private void answer(String question) throws InterruptedException {
    int before = messages.size();
    messages.add(new ChatMessage("user", question));
    try {
      int[] prompt = model.tokenizer().encode(template.render(messages, true), false);
      Answer answer = Answer.stream(model, sampling.request(model, "chat-" + before, prompt), sampling.stop(), false,
          out, cancelled);
      messages.add(new ChatMessage("assistant", answer.text()));
      out.println();
    } catch (RuntimeException failed) {
      messages.subList(before, messages.size()).clear();
      throw failed;
    }
  }
}
