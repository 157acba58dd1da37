package io.expertmesh.router.control;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.router.registry.RegistrationRules;
import io.expertmesh.router.table.RoutingSnapshot;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which share of requests each version of the model gets. A new leader takes the shares over from the gateway with the
 * newest table, until an operator sets others.
 */
final class Traffic {
  private static final int MAX_SHARES = 32;
  private static final int MAX_KEYS = 1000;
  private static final int MAX_KEY_LENGTH = 200;

  private List<TrafficShare> shares = List.of();
  private boolean set;
  private @Nullable TableVersion adoptedFrom;

  List<TrafficShare> shares() {
    return shares;
  }

  /** @throws FailureException INVALID_REQUEST that says what is wrong */
  void set(List<TrafficShare> wanted) {
    check(wanted);
    shares = List.copyOf(wanted);
    set = true;
  }

  /** Takes over what a gateway follows that has the table of an earlier leader. */
  void adopt(WatchRoutingTableRequest gateway) {
    boolean newer = adoptedFrom == null || RoutingSnapshot.ORDER.compare(gateway.getVersion(), adoptedFrom) > 0;
    if (set || !newer) {
      return;
    }
    try {
      check(gateway.getTrafficList());
      shares = List.copyOf(gateway.getTrafficList());
      adoptedFrom = gateway.getVersion();
    } catch (FailureException wrong) {
      // A gateway cannot make the others follow what no operator could have set.
    }
  }

  /** @throws FailureException INVALID_REQUEST that says what is wrong */
  static void check(List<TrafficShare> shares) {
    require(shares.size() <= MAX_SHARES, "There are %d shares; %d are allowed.", shares.size(), MAX_SHARES);
    Set<String> versions = new HashSet<>();
    Set<String> keys = new HashSet<>();
    double sum = 0;
    for (TrafficShare share : shares) {
      String version = share.getVersion();
      require(RegistrationRules.isVersion(version),
          "'%s' is no version; it must be 1 to 200 of A-Z a-z 0-9 . _ : / @ + = -.",
          version.substring(0, Math.min(60, version.length())));
      require(versions.add(version), "The version %s has two shares.", version);
      double percent = share.getPercent();
      require(percent >= 0 && percent <= 100, "The percent of %s is %s; it must be 0 to 100.", version, percent);
      sum += percent;
      require(share.getKeysCount() <= MAX_KEYS, "The version %s has %d keys; %d are allowed.", version,
          share.getKeysCount(), MAX_KEYS);
      for (String key : share.getKeysList()) {
        require(!key.isBlank() && key.length() <= MAX_KEY_LENGTH && key.chars().noneMatch(Character::isISOControl),
            "The version %s has a key name that is blank, too long, or cannot be shown.", version);
        require(keys.add(key), "The key '%s' is there twice.", key);
      }
    }
    require(sum <= 100 + 1e-9, "The percents sum to %s; they must sum to 100 at most.", sum);
  }

  @FormatMethod
  private static void require(boolean valid, @FormatString String message, Object... values) {
    if (!valid) {
      throw FailureException.invalidParameter("traffic", message.formatted(values));
    }
  }
}
