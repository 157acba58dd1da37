package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class CallConstraintsTest {
  private static final CallSyntax QWEN = new CallSyntax("<tool_call>", "", "\n{\"name\": \"", "\", \"arguments\": ",
      "}\n</tool_call>", "\n<tool_call>", "");
  private static final TokenTrie PIECES = Vocabularies.pieces(3, 1500);
  private static final CallConstraints CALLS = new CallConstraints(QWEN, PIECES);
  private static final String SCHEMA = """
      {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"], "additionalProperties": false,
       "$defs": {"n": {"type": "integer", "minimum": 1, "maximum": 9}}}""";
  private static final List<CallableFunction> FUNCTIONS = List.of(new CallableFunction("f", json(SCHEMA), false),
      new CallableFunction("g", json("{\"type\": \"object\", \"properties\": {\"b\": {\"type\": \"boolean\"}}}"),
          true));

  private static JsonNode json(String text) {
    return SchemaCheck.JSON.readTree(text);
  }

  private static boolean accepts(TokenConstraint constraint, String text) {
    return new RandomAnswers(PIECES, new Random(text.hashCode())).accepts(constraint, text);
  }

  private static String call(String name, String arguments) {
    return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + arguments + "}\n</tool_call>";
  }

  @Test
  void onlyCallsThatTheFunctionsAllow() {
    assertThat(accepts(CALLS.calls(FUNCTIONS, true), call("f", "{\"n\": 3}"))).isTrue();
    assertThat(accepts(CALLS.calls(FUNCTIONS, true), call("g", "{}") + "\n" + call("f", "{\"n\":9}"))).isTrue();
    assertThat(accepts(CALLS.calls(FUNCTIONS, false), call("g", "{}") + "\n" + call("g", "{}"))).isFalse();
    assertThat(accepts(CALLS.calls(FUNCTIONS, true), call("f", "{\"b\": true}"))).isFalse();
    assertThat(accepts(CALLS.calls(FUNCTIONS, true), call("h", "{}"))).isFalse();
    assertThat(accepts(CALLS.calls(FUNCTIONS, true), "no")).isFalse();
    assertThat(accepts(CALLS.calls(FUNCTIONS, true), "")).isFalse();
  }

  @Test
  void whateverIsDrawnIsACall() {
    RandomAnswers answers = new RandomAnswers(PIECES, new Random(1));
    for (int i = 0; i < 100; i++) {
      assertThat(answers.draw(CALLS.calls(FUNCTIONS, false))).matches(
          "<tool_call>\\n\\{\"name\": \"(f\", \"arguments\": \\{\\s*\"n\": ?[1-9]\\s*}|"
              + "g\", \"arguments\": \\{\\s*(\"b\": ?(true|false)\\s*)?})}\\n</tool_call>");
    }
  }

  @Test
  void anAnswerMayBeJsonInstead() {
    JsonNode schema = json("{\"type\": \"array\", \"items\": {\"type\": \"integer\"}}");
    assertThat(accepts(CALLS.callsOrJson(FUNCTIONS, true, schema, false), "[1, 2]")).isTrue();
    assertThat(accepts(CALLS.callsOrJson(FUNCTIONS, true, schema, false), call("f", "{\"n\": 3}"))).isTrue();
    assertThat(accepts(CALLS.callsOrJson(FUNCTIONS, true, schema, false), "text")).isFalse();
    assertThat(accepts(CALLS.callsOrJson(FUNCTIONS, true, schema, false), "[1]" + call("g", "{}"))).isFalse();
  }

  @Test
  void textIsFreeUntilACallBegins() {
    assertThat(accepts(CALLS.textThenCalls(FUNCTIONS, true), "Any {text} <b>.")).isTrue();
    assertThat(accepts(bytewise(), "Look: " + call("f", "{\"n\": 3}"))).isTrue();
    assertThat(accepts(bytewise(), "<<tool_call" + call("f", "{\"n\": 3}"))).isTrue();
    assertThat(accepts(bytewise(), call("f", "{\"n\": 0}"))).isFalse();
    assertThat(accepts(bytewise(), call("g", "{}") + call("g", "{}"))).isFalse();
    assertThat(accepts(bytewise(), "<tool_call>text")).isFalse();
  }

  private static TokenConstraint bytewise() {
    return CALLS.textThenCalls(FUNCTIONS, false);
  }

  @Test
  void aTokenDoesNotReachOverTheEndOfTheMark() {
    String[] tokens = {"<", "tool_call", ">", ">\n", "ll>", "ll>x", "{", "tool_ca"};
    TokenTrie trie = new TokenTrie(tokens.length, id -> tokens[id].getBytes(StandardCharsets.UTF_8));
    TextThenCalls constraint = new TextThenCalls(trie, "<tool_call>", () -> CALLS.calls(FUNCTIONS, false));
    constraint.accept(0);
    assertThat(constraint.allowed().cardinality()).isEqualTo(tokens.length);
    constraint.accept(7);
    assertThat(constraint.allowed().stream()).containsExactly(0, 1, 2, 3, 4, 6, 7);
    constraint.accept(6);
    assertThat(constraint.allowed().cardinality()).isEqualTo(tokens.length);
    constraint.accept(0);
    constraint.accept(1);
    assertThat(constraint.allowed().stream()).containsExactly(0, 1, 2, 4, 5, 6, 7);
    assertThat(constraint.mayEnd()).isTrue();
    constraint.accept(2);
    assertThat(constraint.mayEnd()).isFalse();
  }

  @Test
  void specialTokensCanBeMarks() {
    Tokenizer demo = Vocabularies.demo();
    int mark = demo.encode("<|user|>", false)[0];
    assertThat(demo.isSpecial(mark)).isTrue();
    CallSyntax syntax = new CallSyntax("<|user|>", "[", "{\"name\": \"", "\", \"arguments\": ", "}", ", ", "]");
    TokenConstraint constraint = new CallConstraints(syntax, demo, Map.of(mark, "<|user|>")).calls(FUNCTIONS, false);
    assertThat(constraint.allowed().get(mark)).isTrue();
    constraint.accept(mark);
    assertThat(constraint.allowed().get(demo.encode("[", false)[0])).isTrue();
    assertThat(constraint.allowed().get(demo.encode("x", false)[0])).isFalse();
  }

  @Test
  void aSchemaThatCannotBeEnforcedIsNamed() {
    List<CallableFunction> functions = List.of(new CallableFunction("f",
        json("{\"type\": \"object\", \"not\": {}}"), false));
    assertThatThrownBy(() -> CALLS.calls(functions, true)).isInstanceOfSatisfying(FailureException.class,
        refused -> assertThat(refused.parameter()).isEqualTo("tools"))
        .hasMessageContaining("'f'").hasMessageContaining("'not'");
  }
}
