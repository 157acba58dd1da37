package io.expertmesh.gateway.versions;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The versions of the model that a gateway holds, each with an engine of its own. Clients see one model, the main
 * version's; a request uses one version from its first token to its last.
 */
public final class ModelVersions {
  /** What shares and requests may call the version beside the main one, without knowing its name. */
  public static final String CANARY = "canary";

  /** A text whose tokens must be the same in all versions. */
  private static final String PROBE = "Über 1,234 naïve cafés \uD83D\uDE80\n\tif (x != null) { return \"日本\"; }";

  /**
   * @param name what traffic shares, requests and {@code system_fingerprint} call it
   */
  public record Version(String name, ServedModel model) {}

  private final Version main;
  private final List<Version> all;
  private final TrafficShares traffic = new TrafficShares();

  /**
   * @param others besides {@code main}
   * @throws FailureException INVALID_REQUEST if they cannot stand for the same model, with the difference
   */
  public ModelVersions(Version main, List<Version> others) {
    this.main = main;
    List<Version> versions = new ArrayList<>(List.of(main));
    for (Version other : others) {
      if (versions.stream().anyMatch(version -> version.name().equals(other.name()))) {
        throw refused(other, main, "both have the same name");
      }
      requireAlike(other, main);
      versions.add(other);
    }
    this.all = List.copyOf(versions);
  }

  /** A model without other versions. */
  public static ModelVersions of(ServedModel model) {
    return new ModelVersions(new Version(model.version(), model), List.of());
  }

  private static void requireAlike(Version other, Version main) {
    ServedModel a = main.model();
    ServedModel b = other.model();
    if (a.vocabularySize() != b.vocabularySize()) {
      throw refused(other, main, "their vocabularies have %d and %d tokens".formatted(b.vocabularySize(),
          a.vocabularySize()));
    }
    if (a.contextLength() != b.contextLength()) {
      throw refused(other, main, "their contexts are %d and %d tokens".formatted(b.contextLength(), a.contextLength()));
    }
    if (!a.endTokenIds().equals(b.endTokenIds())) {
      throw refused(other, main, "their end tokens are %s and %s".formatted(b.endTokenIds(), a.endTokenIds()));
    }
    for (int id = 0; id < a.vocabularySize(); id++) {
      String textA = a.tokenizer().tokenText(id);
      String textB = b.tokenizer().tokenText(id);
      if (!textA.equals(textB)) {
        throw refused(other, main, "token %d is '%s' and '%s'".formatted(id, textB, textA));
      }
    }
    if (!Arrays.equals(a.tokenizer().encode(PROBE, true), b.tokenizer().encode(PROBE, true))) {
      throw refused(other, main, "their tokenizers cut the same text into different tokens");
    }
  }

  private static FailureException refused(Version other, Version main, String difference) {
    return new FailureException(FailureCategory.INVALID_REQUEST,
        "version '%s' cannot be served beside '%s': %s".formatted(other.name(), main.name(), difference));
  }

  /** The version that requests use unless something says otherwise. */
  public Version main() {
    return main;
  }

  /** All versions, the main one first. */
  public List<Version> all() {
    return all;
  }

  public TrafficShares traffic() {
    return traffic;
  }

  /**
   * The version for a new request: the one that it names, otherwise the one that its key or its share of the traffic
   * says. The main version if that one is not held here.
   *
   * @param wanted what the request names
   * @param key name of the caller's API key, if there is one
   */
  public Version choose(String requestId, @Nullable String wanted, @Nullable String key) {
    String chosen = wanted == null ? traffic.choose(requestId, key) : wanted;
    for (Version version : all) {
      if (version.name().equals(chosen)) {
        return version;
      }
    }
    return CANARY.equals(chosen) && all.size() > 1 ? all.get(1) : main;
  }
}
