package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Masks stay quick with the vocabularies of today's models; the limits are far above what is measured. */
class LargeVocabularyTest {
  /** Time of this thread alone, so that a busy machine does not count. */
  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  @ParameterizedTest
  @ValueSource(ints = {50_000, 256_000})
  void masksAreQuick(int size) {
    TokenTrie vocabulary = Vocabularies.large(size);
    long started = cpuNanos();
    ConstraintCompiler compiler = new ConstraintCompiler(vocabulary);
    JsonNode schema = SchemaCheck.JSON.readTree("""
        {"type":"object","properties":{"name":{"type":"string"},"short":{"type":"string","maxLength":60},
        "code":{"type":"string","pattern":"^[A-Z]{2}\\\\d{4}$"},"tags":{"type":"array","items":{"type":"string"}},
        "n":{"type":"integer","minimum":0,"maximum":1000},"more":{"$ref":"#"}},"required":["name","short","tags"]}""");
    compiler.jsonSchema(schema, false);
    long compiled = cpuNanos() - started;
    long[] nanos = new long[1500];
    int masks = 0;
    Random random = new Random(1);
    while (masks < nanos.length) {
      TokenConstraint constraint = masks % 2 == 0 ? compiler.jsonObject() : compiler.jsonSchema(schema, true);
      for (int i = 0; i < 60 && masks < nanos.length; i++) {
        started = cpuNanos();
        BitSet allowed = constraint.allowed();
        nanos[masks++] = cpuNanos() - started;
        if (allowed.isEmpty()) {
          break;
        }
        int id = allowed.nextSetBit(random.nextInt(size));
        constraint.accept(id >= 0 ? id : allowed.nextSetBit(0));
      }
    }
    long first = nanos[0];
    Arrays.sort(nanos);
    System.out.printf(
        "%d ids: compiled in %.1f ms; masks: first %.1f, median %.3f, 95%% %.2f, 99%% %.2f, longest %.1f ms%n", size,
        compiled / 1e6, first / 1e6, nanos[nanos.length / 2] / 1e6, nanos[nanos.length * 95 / 100] / 1e6,
        nanos[nanos.length * 99 / 100] / 1e6,
        nanos[nanos.length - 1] / 1e6);
    assertThat(nanos[nanos.length / 2] / 1e6).as("median ms").isLessThan(10);
  }
}
