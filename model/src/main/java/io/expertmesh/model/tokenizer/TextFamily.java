package io.expertmesh.model.tokenizer;

import tools.jackson.databind.JsonNode;

/** How a family of models wants its texts, where the tokenizer's own files do not say it. */
enum TextFamily {
  /** BOS before the text, nothing after it (Llama, Mixtral). */
  DECODER,
  /** EOS after the text; sentinels {@code <extra_id_N>} after the pieces (T5, Switch). */
  T5,
  /** umT5's pieces for a decoder that was trained to begin with {@code <pad>}. */
  OPEN_MOE,
  /** Fairseq's ids; the language's code before the text, EOS after it. */
  NLLB;

  /**
   * @param model {@code config.json}
   * @param tokenizer {@code tokenizer_config.json}
   */
  static TextFamily of(JsonNode model, JsonNode tokenizer) {
    for (JsonNode architecture : model.path("architectures")) {
      if (architecture.asString("").equals("OpenMoeForCausalLM")) {
        return OPEN_MOE;
      }
    }
    return switch (model.path("model_type").asString("")) {
      case "openmoe" -> OPEN_MOE;
      case "t5", "mt5", "umt5", "switch_transformers" -> T5;
      case "nllb-moe", "m2m_100" -> NLLB;
      default -> {
        String tokenizerClass = tokenizer.path("tokenizer_class").asString("");
        if (tokenizerClass.startsWith("T5Tokenizer")) {
          yield T5;
        }
        yield tokenizerClass.startsWith("NllbTokenizer") ? NLLB : DECODER;
      }
    };
  }

  /** How many {@code <extra_id_N>} there are if no file says it. */
  int sentinels(JsonNode model) {
    return switch (this) {
      case OPEN_MOE -> 300;
      case T5 -> switch (model.path("model_type").asString("")) {
        case "umt5" -> 300;
        case "mt5" -> 0;
        default -> 100;
      };
      case DECODER, NLLB -> 0;
    };
  }
}
