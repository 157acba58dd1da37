package io.expertmesh.transport;

import com.google.protobuf.ByteString;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.Fingerprint;
import java.util.HexFormat;
import java.util.Optional;

/** Whether two processes would compute the same model. */
public final class Fingerprints {
  private Fingerprints() {}

  /**
   * A model's fingerprint with the digests of some experts.
   *
   * @throws FailureException INVALID_REQUEST if the model has no such expert
   */
  public static Fingerprint toProto(ModelFingerprint model, Iterable<Integer> expertIds) {
    Fingerprint.Builder proto = Fingerprint.newBuilder()
        .setVersion(model.version())
        .setShape(model.shape())
        .setDtype(model.dtype())
        .setNumerics(model.numerics())
        .setArithmetic(model.arithmetic());
    if (!model.heldDtype().equals(model.dtype())) {
      proto.setHeldDtype(model.heldDtype());
    }
    for (int id : expertIds) {
      if (id < 0 || id >= model.expertDigests().size()) {
        throw new FailureException(FailureCategory.INVALID_REQUEST,
            "there is no expert %d; the model has %d".formatted(id, model.expertDigests().size()));
      }
      proto.putExpertDigests(id, ByteString.copyFrom(HexFormat.of().parseHex(model.expertDigests().get(id))));
    }
    return proto.build();
  }

  /**
   * The first difference that keeps two processes from working together, apart from the experts' weights.
   *
   * @param exact whether results must have the same bits
   */
  public static Optional<String> mismatch(Fingerprint mine, Fingerprint theirs, boolean exact) {
    if (!mine.getShape().equals(theirs.getShape())) {
      return difference("shape", mine.getShape(), theirs.getShape());
    }
    if (exact && !heldDtype(mine).equals(heldDtype(theirs)) && (isConverted(mine) || isConverted(theirs))) {
      return Optional.of("""
          experts are held as %s here and as %s there, and exact numerics needs them as the model has them: start \
          expert processes without --expert-dtype, or gateways without --numerics exact""".formatted(heldDtype(mine),
          heldDtype(theirs)));
    }
    if (exact && !mine.getNumerics().equals(theirs.getNumerics())) {
      return difference("numerics", mine.getNumerics(), theirs.getNumerics());
    }
    if (exact && (mine.getArithmetic().isEmpty() || !mine.getArithmetic().equals(theirs.getArithmetic()))) {
      return difference("arithmetic", mine.getArithmetic(), theirs.getArithmetic());
    }
    return Optional.empty();
  }

  /** The type that the process holds its experts in. */
  public static String heldDtype(Fingerprint fingerprint) {
    return isConverted(fingerprint) ? fingerprint.getHeldDtype() : fingerprint.getDtype();
  }

  private static boolean isConverted(Fingerprint fingerprint) {
    return !fingerprint.getHeldDtype().isEmpty();
  }

  /** How expert {@code id} differs, or that one of the two says nothing of it. */
  public static Optional<String> expertMismatch(Fingerprint mine, Fingerprint theirs, int id) {
    String here = digest(mine, id);
    String there = digest(theirs, id);
    if (here.equals(there) && !here.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of("expert %d is %s (%s, version %s) here and %s (%s, version %s) there".formatted(id,
        orNone(here), mine.getDtype(), mine.getVersion(), orNone(there), theirs.getDtype(), theirs.getVersion()));
  }

  private static String digest(Fingerprint fingerprint, int id) {
    return HexFormat.of().formatHex(
        fingerprint.getExpertDigestsOrDefault(id, ByteString.EMPTY).toByteArray());
  }

  private static Optional<String> difference(String what, String here, String there) {
    return Optional.of("%s is %s here and %s there".formatted(what, orNone(here), orNone(there)));
  }

  private static String orNone(String text) {
    return text.isEmpty() ? "none" : text;
  }
}
