package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.api.WhenUnavailable;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The field {@code expertmesh} of a request: what OpenAI's API has no words for.
 *
 * @param version the version of the model to use, if the request names one
 * @param sent whether the request has the field
 */
record ExpertMeshOptions(WhenUnavailable whenUnavailable, @Nullable String version, boolean sent) {
  static ExpertMeshOptions read(JsonFields fields, UnavailablePolicy defaultPolicy) {
    JsonFields own = fields.object("expertmesh");
    if (own == null) {
      return new ExpertMeshOptions(WhenUnavailable.of(defaultPolicy), null, false);
    }
    UnavailablePolicy policy = policy(own, defaultPolicy);
    float seconds = own.number("wait_seconds", 0, seconds(WhenUnavailable.LONGEST_WAIT),
        seconds(WhenUnavailable.DEFAULT_WAIT));
    if (own.any("wait_seconds") != null && policy != UnavailablePolicy.WAIT) {
      throw ApiException.invalid(own.at("wait_seconds"),
          "'%s' is only for the policy 'wait'; it is '%s' here.".formatted(own.at("wait_seconds"), name(policy)));
    }
    String version = own.string("version");
    own.end();
    return new ExpertMeshOptions(new WhenUnavailable(policy, Duration.ofMillis(Math.round(seconds * 1000.0))), version,
        true);
  }

  private static UnavailablePolicy policy(JsonFields own, UnavailablePolicy absent) {
    String name = own.string("unavailable_policy");
    if (name == null) {
      return absent;
    }
    for (UnavailablePolicy policy : UnavailablePolicy.values()) {
      if (name.equals(name(policy))) {
        return policy;
      }
    }
    throw ApiException.invalid(own.at("unavailable_policy"),
        "'%s' is '%s'; it must be strict, wait, substitute or drop.".formatted(own.at("unavailable_policy"), name));
  }

  private static float seconds(Duration duration) {
    return duration.toMillis() / 1000f;
  }

  /** As requests and responses write a policy. */
  static String name(UnavailablePolicy policy) {
    return policy.name().toLowerCase(Locale.ROOT);
  }
}
