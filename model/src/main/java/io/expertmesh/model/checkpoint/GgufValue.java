package io.expertmesh.model.checkpoint;

import java.util.List;

/** One metadata value of a GGUF file. Integers of any width are longs, floats of any width doubles. */
public sealed interface GgufValue {
  record Int(long value) implements GgufValue {}

  record Real(double value) implements GgufValue {}

  record Flag(boolean value) implements GgufValue {}

  record Text(String value) implements GgufValue {}

  record Ints(long[] values) implements GgufValue {}

  record Reals(double[] values) implements GgufValue {}

  record Flags(boolean[] values) implements GgufValue {}

  record Texts(List<String> values) implements GgufValue {
    public Texts {
      values = List.copyOf(values);
    }
  }
}
