package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The metadata of a GGUF file, in the file's order, as its keys name them ({@code tokenizer.ggml.tokens}).
 *
 * <p>Each accessor is empty if the key is absent and fails, naming file and key, if its value is of another type.
 */
public final class GgufMetadata {
  private final Path file;
  private final Map<String, GgufValue> values;

  GgufMetadata(Path file, Map<String, GgufValue> values) {
    this.file = file;
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /**
   * Reads the metadata alone; the tensors may be of any type.
   *
   * @throws FailureException if the file is not there or its header is damaged
   */
  public static GgufMetadata read(Path file) {
    return GgufParser.metadata(file);
  }

  public Path file() {
    return file;
  }

  public Map<String, GgufValue> values() {
    return values;
  }

  /** {@code general.architecture}, which every file has. */
  public String architecture() {
    return text("general.architecture")
        .orElseThrow(() -> InvalidCheckpoint.in(file, "has no general.architecture; not a model?"));
  }

  public OptionalLong integer(String key) {
    return switch (values.get(key)) {
      case null -> OptionalLong.empty();
      case GgufValue.Int integer -> OptionalLong.of(integer.value());
      case GgufValue other -> throw wrongType(key, "an integer", other);
    };
  }

  public OptionalDouble real(String key) {
    return switch (values.get(key)) {
      case null -> OptionalDouble.empty();
      case GgufValue.Real real -> OptionalDouble.of(real.value());
      case GgufValue other -> throw wrongType(key, "a float", other);
    };
  }

  public Optional<Boolean> flag(String key) {
    return switch (values.get(key)) {
      case null -> Optional.empty();
      case GgufValue.Flag flag -> Optional.of(flag.value());
      case GgufValue other -> throw wrongType(key, "a bool", other);
    };
  }

  public Optional<String> text(String key) {
    return switch (values.get(key)) {
      case null -> Optional.empty();
      case GgufValue.Text text -> Optional.of(text.value());
      case GgufValue other -> throw wrongType(key, "a string", other);
    };
  }

  public Optional<List<String>> texts(String key) {
    return switch (values.get(key)) {
      case null -> Optional.empty();
      case GgufValue.Texts texts -> Optional.of(texts.values());
      case GgufValue other -> throw wrongType(key, "an array of strings", other);
    };
  }

  public Optional<long[]> integers(String key) {
    return switch (values.get(key)) {
      case null -> Optional.empty();
      case GgufValue.Ints integers -> Optional.of(integers.values().clone());
      case GgufValue other -> throw wrongType(key, "an array of integers", other);
    };
  }

  public Optional<double[]> reals(String key) {
    return switch (values.get(key)) {
      case null -> Optional.empty();
      case GgufValue.Reals reals -> Optional.of(reals.values().clone());
      case GgufValue other -> throw wrongType(key, "an array of floats", other);
    };
  }

  private FailureException wrongType(String key, String expected, GgufValue actual) {
    return InvalidCheckpoint.in(file,
        "metadata key %s is not %s but of type %s".formatted(key, expected, actual.getClass().getSimpleName()));
  }
}
