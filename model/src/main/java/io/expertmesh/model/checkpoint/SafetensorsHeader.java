package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Reads the JSON header of a safetensors file token by token, accepting nothing that the format does not define. */
final class SafetensorsHeader {
  private static final JsonFactory JSON = new JsonFactory();

  /**
   * What the header says of one tensor, as yet unchecked against the file.
   *
   * @param begin first byte, counted from the end of the header
   * @param end the byte after the last
   */
  record Entry(String name, String dtype, List<Long> shape, long begin, long end) {}

  private final Path file;
  private final JsonParser json;

  private SafetensorsHeader(Path file, JsonParser json) {
    this.file = file;
    this.json = json;
  }

  static List<Entry> parse(Path file, byte[] header) {
    if (header[0] != '{') {
      throw InvalidCheckpoint.in(file, "the header does not start with '{'; not a safetensors file?");
    }
    try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), header)) {
      return new SafetensorsHeader(file, json).entries();
    } catch (JacksonException e) {
      throw InvalidCheckpoint.in(file, "the header is not valid JSON (%s)".formatted(e.getOriginalMessage()), e);
    }
  }

  private List<Entry> entries() {
    List<Entry> entries = new ArrayList<>();
    Set<String> names = new HashSet<>();
    expect(JsonToken.START_OBJECT, "the header");
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String name = json.currentName();
      if (!names.add(name)) {
        throw broken("the header names %s twice".formatted(name));
      }
      if (name.equals("__metadata__")) {
        skipMetadata();
      } else {
        entries.add(entry(name));
      }
    }
    if (json.nextToken() != null) {
      throw broken("something follows the header's JSON object");
    }
    return entries;
  }

  private void skipMetadata() {
    expect(JsonToken.START_OBJECT, "__metadata__");
    while (json.nextToken() != JsonToken.END_OBJECT) {
      expect(JsonToken.VALUE_STRING, "__metadata__ entry " + json.currentName());
    }
  }

  private Entry entry(String name) {
    String dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    expect(JsonToken.START_OBJECT, "tensor " + name);
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String field = json.currentName();
      switch (field) {
        case "dtype" -> {
          refuseSecond(name, field, dtype);
          expect(JsonToken.VALUE_STRING, "the dtype of tensor " + name);
          dtype = json.getString();
        }
        case "shape" -> {
          refuseSecond(name, field, shape);
          shape = numbers("the shape of tensor " + name);
        }
        case "data_offsets" -> {
          refuseSecond(name, field, offsets);
          offsets = numbers("the data_offsets of tensor " + name);
        }
        default -> throw broken("tensor %s has the unknown field %s".formatted(name, field));
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw broken("tensor %s lacks %s".formatted(name,
          dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
    }
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw broken("tensor %s has the data_offsets %s, not [begin, end]".formatted(name, offsets));
    }
    return new Entry(name, dtype, shape, offsets.get(0), offsets.get(1));
  }

  private void refuseSecond(String name, String field, @Nullable Object before) {
    if (before != null) {
      throw broken("tensor %s has %s twice".formatted(name, field));
    }
  }

  private List<Long> numbers(String what) {
    expect(JsonToken.START_ARRAY, what);
    List<Long> numbers = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || json.getLongValue() < 0) {
        throw broken("%s holds something that is not a whole number from 0 to 2^63 - 1".formatted(what));
      }
      numbers.add(json.getLongValue());
    }
    return numbers;
  }

  private void expect(JsonToken token, String what) {
    if (json.nextToken() != token) {
      throw broken("%s is not %s".formatted(what, token == JsonToken.START_OBJECT
          ? "an object"
          : token == JsonToken.START_ARRAY ? "an array" : "a string"));
    }
  }

  private FailureException broken(String problem) {
    return InvalidCheckpoint.in(file, problem);
  }
}
