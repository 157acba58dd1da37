package io.expertmesh.cli.inspect;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.Residual;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Says in words what the layers of a model are made of. */
final class LayerKinds {
  private LayerKinds() {}

  /**
   * Layers that are alike.
   *
   * @param layers their numbers, such as {@code 0-2} or {@code 1, 3, 5}; an encoder's stand behind "encoder"
   * @param parts what they compute, in order
   */
  record Kind(String layers, String parts) {}

  static List<Kind> of(Architecture model) {
    Map<String, List<Integer>> encoder = new LinkedHashMap<>();
    Map<String, List<Integer>> decoder = new LinkedHashMap<>();
    int first = model.firstDecoderBlock();
    for (int i = 0; i < model.blocks().size(); i++) {
      boolean encodes = i < first;
      (encodes ? encoder : decoder).computeIfAbsent(parts(model.blocks().get(i)), parts -> new ArrayList<>())
          .add(encodes ? i : i - first);
    }
    List<Kind> kinds = new ArrayList<>();
    encoder.forEach((parts, layers) -> kinds.add(new Kind("encoder " + ranges(layers), parts)));
    decoder.forEach((parts, layers) -> kinds.add(new Kind((first > 0 ? "decoder " : "") + ranges(layers), parts)));
    return kinds;
  }

  private static String parts(Block block) {
    List<String> parts = new ArrayList<>();
    for (Residual residual : block.residuals()) {
      parts.add(part(residual.operation()));
    }
    return String.join(" + ", parts);
  }

  private static String part(Operation operation) {
    return switch (operation) {
      case Attention attention -> "attention, " + (attention.window() == null
          ? "all positions"
          : "window of " + attention.window());
      case LatentAttention latent -> "latent attention, rank " + latent.rank();
      case CrossAttention _ -> "attention to the encoder";
      case FeedForward dense -> "dense network, width " + dense.size();
      case MixtureOfExperts moe -> "%d experts of width %d, top %d%s".formatted(moe.experts(), moe.expert().size(),
          moe.topK(), moe.shared() == null ? "" : ", shared expert of width " + moe.shared().network().size());
    };
  }

  /** {@code 0-2, 5} for 0, 1, 2, 5. */
  static String ranges(List<Integer> ascending) {
    List<String> ranges = new ArrayList<>();
    for (int from = 0; from < ascending.size();) {
      int to = from;
      while (to + 1 < ascending.size() && ascending.get(to + 1) == ascending.get(to) + 1) {
        to++;
      }
      ranges.add(
          from == to ? String.valueOf(ascending.get(from)) : "%d-%d".formatted(ascending.get(from), ascending.get(to)));
      from = to + 1;
    }
    return String.join(", ", ranges);
  }
}
