package io.expertmesh.model.tokenizer;

import io.expertmesh.model.tokenizer.SentencePieceDetokenizer.FirstSpace;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Recognises the decoders of {@code tokenizer.json} that undo what SentencePiece does. */
final class SentencePieceDecoder {
  private static final String SPACE = "\u2581";

  private SentencePieceDecoder() {}

  /** What {@code decoder} does with spaces at the beginning, null if it is another kind of decoder. */
  static @Nullable FirstSpace firstSpace(JsonNode decoder) {
    if (!decoder.path("type").asString("").equals("Sequence")) {
      return single(decoder);
    }
    FirstSpace found = null;
    for (JsonNode part : decoder.path("decoders")) {
      String type = part.path("type").asString("");
      FirstSpace spaces = single(part);
      if (spaces != null && found == null) {
        found = spaces;
      } else if (found == FirstSpace.SHOWN && type.equals("Strip") && part.path("content").asString("").equals(" ")
          && part.path("start").asInt(0) == 1 && part.path("stop").asInt(0) == 0) {
        found = FirstSpace.ONE_HIDDEN;
      } else if (!type.equals("ByteFallback") && !type.equals("Fuse")) {
        return null;
      }
    }
    return found;
  }

  private static @Nullable FirstSpace single(JsonNode decoder) {
    return switch (decoder.path("type").asString("")) {
      case "Metaspace" -> metaspace(decoder);
      case "Replace" -> decoder.path("pattern").path("String").asString("").equals(SPACE)
          && decoder.path("content").asString("").equals(" ") ? FirstSpace.SHOWN : null;
      default -> null;
    };
  }

  private static @Nullable FirstSpace metaspace(JsonNode decoder) {
    if (!decoder.path("replacement").asString(SPACE).equals(SPACE)) {
      return null;
    }
    boolean never = decoder.path("prepend_scheme").asString("always").equals("never")
        || !decoder.path("add_prefix_space").asBoolean(true);
    return never ? FirstSpace.SHOWN : FirstSpace.FIRST_TOKEN_HIDDEN;
  }
}
