package io.expertmesh.engine.toolcall;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.toolcall.AnswerPart.Call;
import io.expertmesh.engine.toolcall.AnswerPart.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ToolCallReaderTest {
  private static final ToolCallFormat QWEN = new HermesCalls();
  private static final ToolCallFormat DEEPSEEK = new DeepSeekCalls(true);
  private static final ToolCallFormat MISTRAL = new MistralCalls(true);
  private static final Set<String> FUNCTIONS = Set.of("f", "get_weather");

  /** The parts of {@code answer}, which must be the same however it arrives. */
  private static List<AnswerPart> parts(ToolCallFormat format, String answer) {
    List<AnswerPart> whole = read(format, List.of(answer));
    assertThat(read(format, answer.chars().mapToObj(Character::toString).toList())).as("one by one").isEqualTo(whole);
    Random random = new Random(answer.hashCode());
    for (int run = 0; run < 20; run++) {
      List<String> pieces = new ArrayList<>();
      for (int at = 0; at < answer.length();) {
        int to = Math.min(answer.length(), at + 1 + random.nextInt(12));
        pieces.add(answer.substring(at, to));
        at = to;
      }
      assertThat(read(format, pieces)).as("%s", pieces).isEqualTo(whole);
    }
    return whole;
  }

  /** Neighbouring texts are one. */
  private static List<AnswerPart> read(ToolCallFormat format, List<String> pieces) {
    ToolCallReader reader = new ToolCallReader(format, FUNCTIONS);
    List<AnswerPart> all = new ArrayList<>();
    pieces.forEach(piece -> all.addAll(reader.append(piece)));
    all.addAll(reader.finish());
    List<AnswerPart> joined = new ArrayList<>();
    for (AnswerPart part : all) {
      if (part instanceof Text more && !joined.isEmpty() && joined.getLast() instanceof Text text) {
        joined.set(joined.size() - 1, new Text(text.text() + more.text()));
      } else {
        joined.add(part);
      }
    }
    assertThat(reader.called()).isEqualTo(joined.stream().anyMatch(Call.class::isInstance));
    return joined;
  }

  @Test
  void aCallOfQwen() {
    assertThat(parts(QWEN, """
        <tool_call>
        {"name": "get_weather", "arguments": {"town": "Zürich 😀", "days": 1.50, "deep": {"a": ["}", 1]}}}
        </tool_call>""")).containsExactly(
        new Call("get_weather", "{\"town\": \"Zürich 😀\", \"days\": 1.50, \"deep\": {\"a\": [\"}\", 1]}}"));
  }

  @Test
  void textAroundTwoCalls() {
    assertThat(parts(QWEN, """
        Let me look.

        <tool_call>
        {"name": "f", "arguments": {}}
        </tool_call>
        <tool_call>
        {"arguments": {"x": 1}, "name": "f"}
        </tool_call>
        Done.
        """)).containsExactly(new Text("Let me look."), new Call("f", "{}"), new Call("f", "{\"x\": 1}"),
        new Text("Done."));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"plain <b>text</b> \n", "", " \n ", "<tool_cal", "a < b <tool", "</tool_call>",
          "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": }}\n</tool_call>",
          "<tool_call>\n{\"name\": \"f\", \"arguments\": [1]}\n</tool_call> and more",
          "<tool_call>\n{\"name\": \"f\"}\n</tool_call>",
          "<tool_call>\n{\"name\": \"nobody\", \"arguments\": {}}\n</tool_call>",
          "<tool_call>\n{\"name\": 1, \"arguments\": {}}\n</tool_call>", "<tool_call></tool_call>", "<tool_call>",
          "<tool_call>\n{\"name\": \"f\", \"arguments\": {}} {}\n</tool_call>",
          "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"cut\": \"off",
          "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"open\": \"string\n</tool_call>"})
  void whatIsNoCallIsText(String answer) {
    List<AnswerPart> expected = answer.isEmpty() ? List.of() : List.of(new Text(answer));
    assertThat(parts(QWEN, answer)).isEqualTo(expected);
  }

  @Test
  void aGoodCallBehindABadOne() {
    String bad = "<tool_call>\n{\"name\": \"f\", \"arguments\": oops}\n</tool_call>";
    assertThat(parts(QWEN, bad + "\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"))
        .containsExactly(new Text(bad), new Call("f", "{}"));
  }

  @Test
  void theClosingMarkMayStandInAnArgument() {
    assertThat(parts(QWEN, "<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": \"\\\"</tool_call>\"}}</tool_call>"))
        .containsExactly(new Call("f", "{\"x\": \"\\\"</tool_call>\"}"));
  }

  @Test
  void argumentsMayBeAText() {
    assertThat(parts(QWEN, "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 1}\"}</tool_call>"))
        .containsExactly(new Call("f", "{\"x\": 1}"));
  }

  @Test
  void aCompleteCallNeedsNoClosingMark() {
    assertThat(parts(QWEN, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n")).containsExactly(new Call("f", "{}"));
  }

  @Test
  void callsOfDeepSeek() {
    assertThat(parts(DEEPSEEK, """
        Let me look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
        ```json
        {"town": "東京", "text": "a\\nb"}
        ```<｜tool▁call▁end｜>
        <｜tool▁call▁begin｜>function<｜tool▁sep｜>f
        ```json
        {}
        ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>""")).containsExactly(new Text("Let me look."),
        new Call("get_weather", "{\"town\": \"東京\", \"text\": \"a\\nb\"}"), new Call("f", "{}"));
  }

  @Test
  void callsOfDeepSeekV31() {
    assertThat(parts(new DeepSeekCalls(false), """
        <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"x": 1}<｜tool▁call▁end｜>\
        <｜tool▁call▁begin｜>f<｜tool▁sep｜>{"x": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>""")).containsExactly(
        new Call("f", "{\"x\": 1}"), new Call("f", "{\"x\": 2}"));
  }

  @Test
  void aBadCallOfDeepSeekBesideAGoodOneIsText() {
    String bad = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{oops\n```<｜tool▁call▁end｜>";
    String good = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{}\n```<｜tool▁call▁end｜>";
    assertThat(parts(DEEPSEEK, "<｜tool▁calls▁begin｜>" + bad + "\n" + good + "<｜tool▁calls▁end｜>"))
        .containsExactly(new Text(bad), new Call("f", "{}"));
    String onlyBad = "<｜tool▁calls▁begin｜>" + bad + "<｜tool▁calls▁end｜>";
    assertThat(parts(DEEPSEEK, onlyBad)).containsExactly(new Text(onlyBad));
    String cut = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁se";
    assertThat(parts(DEEPSEEK, cut)).containsExactly(new Text(cut));
  }

  @Test
  void callsOfMistral() {
    assertThat(parts(MISTRAL, "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"x\": [1]}, \"id\": \"abc\"},"
        + " {\"name\": \"f\", \"arguments\": {}}]"))
        .containsExactly(new Call("f", "{\"x\": [1]}"), new Call("f", "{}"));
    String cut = "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}";
    assertThat(parts(MISTRAL, cut)).containsExactly(new Text(cut));
    assertThat(parts(MISTRAL, "an [array] of [TOOL")).containsExactly(new Text("an [array] of [TOOL"));
  }

  @Test
  void formatsAreRecognisedByTheirTemplates() {
    assertThat(ToolCallFormat.of("... <tool_call>\\n{\"name\": \"' + n + '\", \"arguments\": ")).isEqualTo(QWEN);
    assertThat(ToolCallFormat.of("'<｜tool▁calls▁begin｜>' + ... '\\n```json\\n'")).isEqualTo(DEEPSEEK);
    assertThat(ToolCallFormat.of("'<｜tool▁calls▁begin｜>' + ...")).isEqualTo(new DeepSeekCalls(false));
    assertThat(ToolCallFormat.of("'[TOOL_CALLS] ['")).isEqualTo(MISTRAL);
    assertThat(ToolCallFormat.of("'[TOOL_CALLS]['")).isEqualTo(new MistralCalls(false));
    assertThat(ToolCallFormat.of("'[TOOL_CALLS]' + name + '[ARGS]'")).isNull();
    assertThat(ToolCallFormat.of("<tool_call>name <arg_key>k</arg_key> arguments")).isNull();
    assertThat(ToolCallFormat.of("<tool_call><function=name> arguments")).isNull();
    assertThat(ToolCallFormat.of("{{ tools }}")).isNull();
  }

  @Test
  void idsAreOfTheFormThatTheFamilyWants() {
    assertThat(QWEN.newId()).matches("call_[0-9a-f]{24}").isNotEqualTo(QWEN.newId());
    assertThat(MISTRAL.newId()).matches("[a-zA-Z0-9]{9}");
  }
}
