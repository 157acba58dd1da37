package io.expertmesh.cli.inspect;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** An {@link Inspection} for people. */
public final class InspectionText {
  private static final int SHOWN = 20;

  private final PrintWriter out;

  public InspectionText(PrintWriter out) {
    this.out = out;
  }

  public void print(Inspection model) {
    line("location", model.location());
    line("family", model.family());
    line("shape", "%d layers, hidden %d, vocabulary %d, context %d".formatted(
        model.layers(), model.hiddenSize(), model.vocabularySize(), model.contextLength()));
    line("attention", "%d heads of %d, %d key/value heads".formatted(
        model.heads(), model.headDim(), model.kvHeads()));
    line("experts", model.experts() == 0
        ? "none"
        : "%d in each of %d layers, width %d, top %d%s".formatted(model.experts(), model.moeLayers(),
            model.expertSize(), model.topK(), model.normTopkProb() ? ", weights normalised" : ""));
    text(model.text());
    line("parameters", "%,d, of which %,d are active for a token".formatted(
        model.parameters(), model.activeParameters()));
    line("memory", "%s: %s shared, %s of experts".formatted(
        size(model.bytes()), size(model.sharedBytes()), size(model.bytes() - model.sharedBytes())));
    line("read", "%s of weights for a token by itself".formatted(size(model.activeBytes())));
    line("cache", "%,d bytes for a token (%s)%s".formatted(model.cacheBytesPerToken(), model.cache(),
        model.encodedBytesPerToken() == 0
            ? ""
            : ", %,d for one of the encoder's input".formatted(model.encodedBytesPerToken())));
    model.dtypes().forEach((dtype, amount) -> line(dtype, "%,d parameters in %,d tensors, %s".formatted(
        amount.parameters(), amount.tensors(), size(amount.bytes()))));
    model.bytesAs().forEach((dtype, bytes) -> line("as " + dtype, size(bytes)));
    if (model.ignoredBytes() > 0) {
      line("ignored", size(model.ignoredBytes()) + " of tensors that answers do not depend on");
    }
    groups(model);
    layers(model);
    tensors(model);
    recognised(model);
  }

  private void text(Inspection.@Nullable TextPart text) {
    if (text == null) {
      return;
    }
    line("tokenizer", text.tokenizerSize() == null
        ? "none, so the model cannot be served: " + text.problem()
        : "%,d tokens, %s chat template%s%s".formatted(text.tokenizerSize(), text.chatTemplate() ? "with a" : "no",
            text.tools() ? " that takes tools" : "",
            text.languages() == 0 ? "" : ", %d languages".formatted(text.languages())));
  }

  private void groups(Inspection model) {
    if (model.experts() == 0) {
      return;
    }
    List<Inspection.ExpertGroup> groups = model.expertGroups();
    out.println();
    if (groups.size() == model.experts()) {
      out.println("expert groups%s: %d of one id, %s each".formatted(held(model), groups.size(),
          size(model.expertGroupBytes())));
      return;
    }
    out.println("expert groups" + held(model));
    groups.forEach(group -> out.println("  %-12s %s".formatted(group.ids(), size(group.bytes()))));
  }

  private static String held(Inspection model) {
    return model.expertDtype() == null ? "" : " held as " + model.expertDtype();
  }

  private void layers(Inspection model) {
    out.println();
    out.println("layers");
    model.layerKinds().forEach(kind -> out.println("  %s: %s".formatted(kind.layers(), kind.parts())));
  }

  private void tensors(Inspection model) {
    out.println();
    out.println("tensors (N: layer, E: expert)");
    for (Inventory.Kind tensor : model.tensors()) {
      out.println("  %-48s %-5s %-20s x %d".formatted(tensor.name(), tensor.dtype(), tensor.shape(), tensor.count()));
    }
  }

  private void recognised(Inspection model) {
    out.println();
    out.println(model.recognised()
        ? "every tensor is recognised"
        : "THE TENSORS ARE NOT THOSE OF THIS MODEL: it cannot be served");
    differences("missing", model.missing());
    differences("unknown", model.unknown());
    differences("wrong shape", model.wrong());
  }

  private void differences(String title, List<String> names) {
    if (names.isEmpty()) {
      return;
    }
    out.println("%s: %d".formatted(title, names.size()));
    names.stream().limit(SHOWN).forEach(name -> out.println("  " + name));
    if (names.size() > SHOWN) {
      out.println("  and %d more; --json lists all".formatted(names.size() - SHOWN));
    }
  }

  private void line(String name, String value) {
    out.println("%-12s %s".formatted(name, value));
  }

  /** For people: whole MiB, or GiB with one digit. */
  public static String size(long bytes) {
    if (bytes < 10L << 20) {
      return "%,d KiB".formatted(bytes >> 10);
    }
    return bytes < 10L << 30
        ? "%,d MiB".formatted(bytes >> 20)
        : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }
}
