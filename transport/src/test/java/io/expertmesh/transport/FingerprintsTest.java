package io.expertmesh.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.Fingerprint;
import java.util.List;
import org.junit.jupiter.api.Test;

class FingerprintsTest {
  private static final ModelFingerprint MODEL = new ModelFingerprint("v1", "olmoe layers=4", "bf16", "bf16", "exact",
      "fma16-1", List.of("00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"));

  @Test
  void theSameModelMatches() {
    Fingerprint all = Fingerprints.toProto(MODEL, List.of(0, 1));
    Fingerprint one = Fingerprints.toProto(MODEL, List.of(1));
    assertThat(one.getExpertDigestsMap()).containsOnlyKeys(1);
    assertThat(Fingerprints.mismatch(all, one, true)).isEmpty();
    assertThat(Fingerprints.expertMismatch(all, one, 1)).isEmpty();
  }

  @Test
  void differencesAreNamedWithBothValues() {
    Fingerprint mine = Fingerprints.toProto(MODEL, List.of(0, 1));
    assertThat(Fingerprints.mismatch(mine, mine.toBuilder().setShape("olmoe layers=5").build(), false))
        .hasValue("shape is olmoe layers=4 here and olmoe layers=5 there");
    Fingerprint gpu = mine.toBuilder().setArithmetic("").build();
    assertThat(Fingerprints.mismatch(mine, gpu, false)).isEmpty();
    assertThat(Fingerprints.mismatch(mine, gpu, true)).hasValue("arithmetic is fma16-1 here and none there");
    assertThat(Fingerprints.mismatch(gpu, gpu, true)).as("results without a definition are never exact").isPresent();
    assertThat(Fingerprints.mismatch(mine, mine.toBuilder().setNumerics("fast").build(), true))
        .hasValue("numerics is exact here and fast there");
    Fingerprint other = mine.toBuilder().setVersion("v2").putExpertDigests(1, mine.getExpertDigestsOrThrow(0)).build();
    assertThat(Fingerprints.expertMismatch(mine, other, 0)).isEmpty();
    assertThat(Fingerprints.expertMismatch(mine, other, 1)).get().asString()
        .contains("expert 1 is ffeeddcc", "version v1", "00112233", "version v2");
    assertThat(Fingerprints.expertMismatch(mine, Fingerprints.toProto(MODEL, List.of(0)), 1)).isPresent();
  }

  @Test
  void otherTypesOfTheSameWeightsAreUsedUnlessBitsMatter() {
    ModelFingerprint q8 = new ModelFingerprint(MODEL.version(), MODEL.shape(), "bf16", "q8_0", "exact", "",
        MODEL.expertDigests());
    Fingerprint mine = Fingerprints.toProto(MODEL, List.of(0, 1));
    Fingerprint held = Fingerprints.toProto(q8, List.of(0, 1));
    assertThat(mine.getHeldDtype()).as("said only if it differs").isEmpty();
    assertThat(Fingerprints.heldDtype(mine)).isEqualTo("bf16");
    assertThat(Fingerprints.heldDtype(held)).isEqualTo("q8_0");
    assertThat(Fingerprints.mismatch(mine, held, false)).isEmpty();
    assertThat(Fingerprints.expertMismatch(mine, held, 1)).isEmpty();
    assertThat(Fingerprints.mismatch(mine, held, true)).get().asString()
        .contains("held as bf16 here and as q8_0 there", "--expert-dtype", "--numerics exact");
    assertThat(Fingerprints.mismatch(held, mine, true)).get().asString().contains("as q8_0 here and as bf16 there");
    Fingerprint silent = held.toBuilder().clearHeldDtype().build();
    assertThat(Fingerprints.mismatch(mine, silent, true)).as("one who does not know of the field refuses too")
        .hasValue("arithmetic is fma16-1 here and none there");
  }
}
