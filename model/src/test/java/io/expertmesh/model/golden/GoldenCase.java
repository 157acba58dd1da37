package io.expertmesh.model.golden;

import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.ModelFamilies;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A checkpoint that {@code tools/golden} made with transformers, and what transformers computed with it. */
public record GoldenCase(Path folder, JsonNode reference) {
  /**
   * One prompt of the case in float32.
   *
   * @param encoderIds what an encoder reads; null for a decoder-only model
   * @param tokenIds the decoder's
   * @param forced whether the first token of the answer is given, whatever the logits say
   */
  public record Prompt(String key, int @Nullable [] encoderIds, int[] tokenIds, int[] greedyTokenIds,
      boolean forced) {}

  public static GoldenCase of(String name) {
    try {
      Path folder = Path.of(Objects.requireNonNull(GoldenCase.class.getResource("/golden/" + name),
          () -> "no golden case " + name).toURI());
      return in(folder);
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** The case in {@code folder}. */
  static GoldenCase in(Path folder) {
    return new GoldenCase(folder, JsonMapper.shared().readTree(folder.resolve("reference.json")));
  }

  /** The names of all cases whose family can be served. */
  public static List<String> names() {
    try (Stream<Path> folders = Files.list(of("olmoe-base-f32").folder().resolveSibling(""))) {
      return folders.filter(folder -> Files.exists(folder.resolve("config.json")))
          .filter(folder -> ModelFamilies.know(new ModelConfig(folder.toString(),
              JsonMapper.shared().readTree(folder.resolve("config.json")))))
          .map(folder -> folder.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** What was recorded of {@code prompt} in run {@code run}, without the prompt's key. */
  public List<String> stages(int run, Prompt prompt) {
    String prefix = prompt.key() + ".";
    return header(run).propertyNames().stream().filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length())).toList();
  }

  private JsonNode header(int run) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file(run))).order(ByteOrder.LITTLE_ENDIAN);
      return JsonMapper.shared().readTree(bytes.array(), 8, Math.toIntExact(bytes.getLong(0)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Path file(int run) {
    return folder.resolve(reference.path("runs").get(run).path("tensors").stringValue());
  }

  /** The prompts of run {@code run}; 0 is float32. */
  public List<Prompt> prompts(int run) {
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode prompt : reference.path("runs").get(run).path("prompts")) {
      int[] ids = ints(prompt.path("token_ids"));
      boolean encoder = prompt.has("decoder_token_ids");
      prompts.add(new Prompt("prompt" + prompts.size(), encoder ? ids : null,
          encoder ? ints(prompt.path("decoder_token_ids")) : ids, ints(prompt.path("greedy_token_ids")),
          prompt.has("forced_bos_token_id")));
    }
    return prompts;
  }

  /** The tensor {@code name} of run {@code run} as floats. */
  public float[] tensor(int run, String name) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file(run))).order(ByteOrder.LITTLE_ENDIAN);
      int header = Math.toIntExact(bytes.getLong(0));
      JsonNode entry = header(run).path(name);
      int from = 8 + header + entry.path("data_offsets").get(0).intValue();
      int to = 8 + header + entry.path("data_offsets").get(1).intValue();
      boolean integers = entry.path("dtype").stringValue().equals("I32");
      float[] values = new float[(to - from) / 4];
      for (int i = 0; i < values.length; i++) {
        values[i] = integers ? bytes.getInt(from + 4 * i) : bytes.getFloat(from + 4 * i);
      }
      return values;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }
}
