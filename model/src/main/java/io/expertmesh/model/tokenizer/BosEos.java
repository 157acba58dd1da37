package io.expertmesh.model.tokenizer;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Tokens that are put before and after every text, as a {@code post_processor} of {@code tokenizer.json}. */
record BosEos(@Nullable Special bos, @Nullable Special eos) {
  record Special(String token, int id) {}

  void writeTo(ObjectNode definition) {
    if (bos == null && eos == null) {
      return;
    }
    ObjectNode processor = definition.putObject("post_processor").put("type", "TemplateProcessing");
    pieces(processor.putArray("single"), "A");
    ArrayNode pair = processor.putArray("pair");
    pieces(pair, "A");
    sequence(pair, "B", 1);
    ObjectNode tokens = processor.putObject("special_tokens");
    describe(tokens, bos);
    describe(tokens, eos);
  }

  private void pieces(ArrayNode pieces, String sequence) {
    special(pieces, bos);
    sequence(pieces, sequence, 0);
    special(pieces, eos);
  }

  private static void sequence(ArrayNode pieces, String name, int type) {
    pieces.addObject().putObject("Sequence").put("id", name).put("type_id", type);
  }

  private static void special(ArrayNode pieces, @Nullable Special special) {
    if (special != null) {
      pieces.addObject().putObject("SpecialToken").put("id", special.token()).put("type_id", 0);
    }
  }

  private static void describe(ObjectNode tokens, @Nullable Special special) {
    if (special != null) {
      ObjectNode description = tokens.putObject(special.token()).put("id", special.token());
      description.putArray("ids").add(special.id());
      description.putArray("tokens").add(special.token());
    }
  }
}
