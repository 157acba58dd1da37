package io.expertmesh.router.control;

import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.router.placement.ExpertRanges;
import io.expertmesh.router.registry.Member;
import io.expertmesh.transport.Fingerprints;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Notices processes that hold the same experts in different types. Gateways that need not be exact call both, so that a
 * group can change its type without a gap; what they answer then depends on who is asked.
 */
final class MixedTypes {
  private MixedTypes() {}

  /** What people should know when {@code member} is ready beside {@code all}. */
  static Optional<String> notice(Member member, Collection<Member> all) {
    if (!member.isReady()) {
      return Optional.empty();
    }
    Fingerprint mine = member.registration().getFingerprint();
    for (Member other : all) {
      Fingerprint theirs = other.registration().getFingerprint();
      if (other.isReady() && !Fingerprints.heldDtype(mine).equals(Fingerprints.heldDtype(theirs))) {
        List<Integer> both = member.registration().getExpertIdsList().stream()
            .filter(other.registration().getExpertIdsList()::contains)
            .filter(id -> Fingerprints.expertMismatch(mine, theirs, id).isEmpty()).toList();
        if (!both.isEmpty()) {
          return Optional.of("%s holds experts %s as %s, %s holds them as %s: answers depend on which one is asked"
              .formatted(member.name(), ExpertRanges.of(both), Fingerprints.heldDtype(mine), other.name(),
                  Fingerprints.heldDtype(theirs)));
        }
      }
    }
    return Optional.empty();
  }
}
