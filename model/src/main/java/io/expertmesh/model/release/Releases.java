package io.expertmesh.model.release;

import io.expertmesh.model.checkpoint.JsonFile;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The published models whose configurations come with this program, as {@code ORG--NAME.json} beside this class. */
public final class Releases {
  private static final List<String> NAMES = List.of(
      "allenai/OLMoE-1B-7B-0924",
      "allenai/FlexOlmo-7x7B-1T",
      "OrionZheng/openmoe-base",
      "OrionZheng/openmoe-8b",
      "OrionZheng/openmoe-34b-200B",
      "mistralai/Mixtral-8x7B-v0.1",
      "mistralai/Mixtral-8x22B-v0.1",
      "Qwen/Qwen1.5-MoE-A2.7B",
      "Qwen/Qwen3-30B-A3B",
      "Qwen/Qwen3-235B-A22B",
      "deepseek-ai/deepseek-moe-16b-base",
      "deepseek-ai/DeepSeek-V2-Lite",
      "deepseek-ai/DeepSeek-V2",
      "deepseek-ai/DeepSeek-V3",
      "microsoft/Phi-3.5-MoE-instruct",
      "openai/gpt-oss-20b",
      "openai/gpt-oss-120b",
      "ibm-granite/granite-3.0-1b-a400m-base",
      "ibm-granite/granite-3.0-3b-a800m-base",
      "zai-org/GLM-4.5-Air",
      "zai-org/GLM-4.5",
      "google/switch-base-8",
      "google/switch-base-16",
      "google/switch-base-32",
      "google/switch-base-64",
      "google/switch-base-128",
      "google/switch-base-256",
      "google/switch-large-128",
      "facebook/nllb-moe-54b",
      "meta-llama/Llama-2-7b-hf",
      "meta-llama/Llama-3.2-1B",
      "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
      "HuggingFaceTB/SmolLM2-135M-Instruct",
      "mistralai/Mistral-7B-v0.1",
      "allenai/OLMo-1B-hf",
      "allenai/OLMo-7B-hf",
      "allenai/OLMo-2-0425-1B",
      "allenai/OLMo-2-1124-7B",
      "Qwen/Qwen2-0.5B",
      "Qwen/Qwen2-7B");
  private static final List<String> TOKENIZERS = List.of("tokenizer.json", "tokenizer.model", "spiece.model",
      "sentencepiece.bpe.model");

  private Releases() {}

  /** All of them, {@code ORG/NAME}. */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * The shape of a published model, or of a folder with a {@code config.json}.
   *
   * @param like one of {@link #names}, or a folder
   * @throws FailureException NOT_FOUND if it is neither
   */
  public static Release find(String like) {
    if (NAMES.contains(like)) {
      return new Release(like, resource(like.replace("/", "--") + ".json"), Path.of(like, "config.json"), null);
    }
    Path folder = Path.of(like);
    if (!Files.isDirectory(folder)) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "%s is neither a folder with a config.json nor a known model; known are: %s"
              .formatted(like, String.join(", ", NAMES)));
    }
    boolean tokenizer = TOKENIZERS.stream().anyMatch(file -> Files.exists(folder.resolve(file)));
    return new Release(String.valueOf(folder.toAbsolutePath().normalize().getFileName()), JsonFile.config(folder),
        folder.resolve("config.json"), tokenizer ? folder : null);
  }

  private static JsonNode resource(String name) {
    try (InputStream json = Releases.class.getResourceAsStream(name)) {
      return JsonMapper.shared().readTree(json);
    } catch (IOException e) {
      throw new IllegalStateException(name + " cannot be read", e);
    }
  }
}
