package io.expertmesh.model.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TemplateTest {
  private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-03-05T14:07:09Z"), ZoneOffset.UTC);

  /** Every template with every conversation gives what transformers gives, errors included. */
  @TestFactory
  List<DynamicTest> rendersAsTransformersDoes() throws IOException {
    JsonNode reference;
    try (InputStream in = TemplateTest.class.getResourceAsStream("/golden/chat-templates.json")) {
      reference = JsonMapper.shared().readTree(in);
    }
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode template : reference.path("templates")) {
      tests.add(DynamicTest.dynamicTest(template.path("name").stringValue(), () -> {
        Template parsed = Template.parse(template.path("template").stringValue());
        assertThat(template.path("cases").size()).isGreaterThan(10);
        for (JsonNode sample : template.path("cases")) {
          check(parsed, sample, reference);
        }
      }));
    }
    assertThat(tests).hasSizeGreaterThan(20);
    return tests;
  }

  private static void check(Template template, JsonNode sample, JsonNode reference) {
    Map<String, Object> variables = new HashMap<>();
    reference.path("special_tokens").properties()
        .forEach(token -> variables.put(token.getKey(), token.getValue().stringValue()));
    JsonNode messages = reference.path("conversations").path(sample.path("conversation").intValue());
    variables.put("messages", JsonMapper.shared().convertValue(messages, List.class));
    variables.put("add_generation_prompt", sample.path("add_generation_prompt").booleanValue());
    variables.put("tools", null);
    variables.put("documents", null);
    if (sample.has("error")) {
      assertThatThrownBy(() -> template.render(variables, CLOCK)).isInstanceOf(JinjaException.class)
          .hasMessage(sample.path("error").stringValue());
    } else {
      assertThat(template.render(variables, CLOCK)).isEqualTo(sample.path("text").stringValue());
    }
  }

  private static String render(String template) {
    return Template.parse(template).render(Map.of(), CLOCK);
  }

  @Test
  void saysTheTime() {
    assertThat(render("{{ strftime_now('%d %b %Y %H:%M:%S %A %-d %%') }}"))
        .isEqualTo("05 Mar 2026 14:07:09 Thursday 5 %");
  }

  @Test
  void callBlocksGiveTheirBodyToTheMacro() {
    assertThat(render("{% macro m() %}<{{ caller('a') }}>{% endmacro %}{% call(x) m() %}{{ x }}b{% endcall %}"))
        .isEqualTo("<ab>");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{{", "{% if x %}", "{% nonsense %}", "{{ 1 + }}", "{{ 'open }}", "{# open", "{% endif %}",
          "{{ x|nofilter }}", "{{ x is notest }}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}",
          "{% set = 1 %}", "{{ (1 }}", "{% for x %}{% endfor %}", "{% break %}", "{{ a b }}",
          "{{ 99999999999999999999 }}",
          "{{ \"\\u12\" }}"})
  void refusesWhatIsNoTemplate(String source) {
    assertThatThrownBy(() -> Template.parse(source)).isInstanceOf(JinjaException.class)
        .extracting(e -> ((JinjaException) e).kind()).isEqualTo(JinjaException.Kind.SYNTAX);
  }

  @Test
  void namesTheLineOfASyntaxError() {
    assertThatThrownBy(() -> Template.parse("a\nb\n{% if x %}\n{% nonsense %}"))
        .hasMessage("line 4: Encountered unknown tag 'nonsense'.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{{ x.y }}", "{{ x + 'a' }}", "{{ 'a' + 1 }}", "{{ 'a' + none }}", "{{ none + 'a' }}",
          "{{ 1 < 'a' }}", "{{ x() }}", "{{ 'a'() }}", "{{ 1 / 0 }}", "{{ 5 % 0 }}", "{% for i in 5 %}{% endfor %}",
          "{{ none[0].x }}", "{{ [1].append(2) }}", "{{ {}.update({}) }}", "{% set x.y = 1 %}",
          "{{ namespace|tojson }}",
          "{% set a, b = [1] %}", "{{ 9223372036854775807 + 1 }}", "{{ -'a' }}", "{{ 'a' in 5 }}", "{{ [1][::0] }}"})
  void failsWhereJinjaFails(String source) {
    Template template = Template.parse(source);
    assertThatThrownBy(() -> template.render(Map.of(), CLOCK)).isInstanceOf(JinjaException.class)
        .extracting(e -> ((JinjaException) e).kind()).isEqualTo(JinjaException.Kind.RUNTIME);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"''.__class__", "''.getClass()", "[].getClass", "namespace.__init__", "''['class']",
          "[].stream", "{}.entrySet", "range.__globals__", "dict.mro", "''.repeat", "''.chars", "loop", "self",
          "cycler",
          "request", "____int3rpr3t3r____"})
  void nothingOfTheMachineCanBeReached(String expression) {
    String name = expression.replace("()", "");
    assertThat(render("{{ (" + name + ") is defined }}")).isEqualTo("False");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
          "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
          "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
          "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
          "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
          "{% set a = namespace(s=[1], t=[1]) %}{% for i in range(99) %}{% set a.s = [a.s, a.s] %}{% set a.t = [a.t, a.t] %}"
              + "{% endfor %}{{ a.s == a.t }}",
          "{{ 'x' * 2000000000 }}", "{{ [0] * 2000000000 }}", "{{ range(1000000000) }}",
          "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
          "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
          "{% for i in range(100000) %}{{ ('x' * 1000).replace('x', 'y' * 1000) }}{% endfor %}",
          "{{ ('x' * 100000)|indent(1000) }}{{ (('x\n') * 1000000)|indent(1000) }}"})
  void noTemplateTakesMoreThanItsBudget(String source) {
    Template template = Template.parse(source);
    assertThatThrownBy(() -> template.render(Map.of(), CLOCK)).isInstanceOf(JinjaException.class)
        .extracting(e -> ((JinjaException) e).kind()).isEqualTo(JinjaException.Kind.BUDGET);
  }

  @Test
  void deepNestingIsRefusedAndDoesNotOverflowTheStack() {
    assertThatThrownBy(() -> Template.parse("{{ " + "(".repeat(50_000) + "1" + ")".repeat(50_000) + " }}"))
        .isInstanceOf(JinjaException.class).hasMessageContaining("nested");
    assertThatThrownBy(() -> Template.parse("{{ " + "not ".repeat(50_000) + "1 }}"))
        .isInstanceOf(JinjaException.class).hasMessageContaining("nested");
    assertThatThrownBy(() -> Template.parse("{{ " + "-".repeat(50_000) + "1 }}"))
        .isInstanceOf(JinjaException.class).hasMessageContaining("nested");
    assertThatThrownBy(() -> Template.parse("{% if 1 %}".repeat(50_000))).isInstanceOf(JinjaException.class)
        .hasMessageContaining("nested");
    Template chain = Template.parse("{{ 1" + " + 1".repeat(100_000) + " }}");
    assertThatThrownBy(() -> chain.render(Map.of(), CLOCK)).isInstanceOf(JinjaException.class);
  }
}
