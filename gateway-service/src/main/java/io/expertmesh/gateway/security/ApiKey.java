package io.expertmesh.gateway.security;

import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A key that clients send as {@code Authorization: Bearer KEY}. The configuration holds only its hash:
 * {@code sha256:HEX}, the SHA-256 of the key, which is enough for keys that are long and random, or
 * {@code sha256:SALT:HEX}, the SHA-256 of the salt's bytes (in hex) followed by the key.
 *
 * @param name for logs; never the key itself
 * @param requestsPerMinute null does not limit them
 * @param tokensPerMinute prompt and generated tokens; null does not limit them
 */
public record ApiKey(String name, String hash, @Nullable Integer requestsPerMinute, @Nullable Integer tokensPerMinute) {
  private static final Pattern HASH = Pattern.compile("sha256:(?:((?:[0-9a-fA-F]{2})+):)?([0-9a-fA-F]{64})");

  public ApiKey {
    if (name == null || name.isBlank()) {
      throw FailureException.invalidParameter("expertmesh.keys", "Every API key needs a name.");
    }
    if (hash == null || !HASH.matcher(hash).matches()) {
      throw FailureException.invalidParameter("expertmesh.keys", ("The hash of the API key '%s' is not of the form "
          + "sha256:HEX or sha256:SALT:HEX; 'printf %%s KEY | sha256sum' prints the HEX of a key.").formatted(name));
    }
    requirePositive(name, "requests-per-minute", requestsPerMinute);
    requirePositive(name, "tokens-per-minute", tokensPerMinute);
  }

  private static void requirePositive(String name, String field, @Nullable Integer value) {
    if (value != null && value <= 0) {
      throw FailureException.invalidParameter("expertmesh.keys",
          "%s of the API key '%s' is %d; it must be positive, or left out for no limit.".formatted(field, name, value));
    }
  }

  /** Whether {@code sent} is this key, in a time that does not depend on where they differ. */
  boolean matches(String sent) {
    Matcher parts = HASH.matcher(hash);
    if (!parts.matches()) {
      throw new IllegalStateException("the constructor checked it");
    }
    MessageDigest digest = sha256();
    if (parts.group(1) != null) {
      digest.update(HexFormat.of().parseHex(parts.group(1)));
    }
    return MessageDigest.isEqual(digest.digest(sent.getBytes(StandardCharsets.UTF_8)),
        HexFormat.of().parseHex(parts.group(2)));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every Java platform has SHA-256", missing);
    }
  }
}
