package io.expertmesh.router.admin;

import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * A key that callers send as {@code Authorization: Bearer KEY}. The configuration holds only its hash:
 * {@code sha256:HEX}, the SHA-256 of the key, which is enough for keys that are long and random, or
 * {@code sha256:SALT:HEX}, the SHA-256 of the salt's bytes (in hex) followed by the key.
 *
 * @param name for logs; never the key itself
 * @param admin whether its holder may ask for the state and change it; otherwise only for metrics
 */
public record OperatorKey(String name, String hash, @DefaultValue("false") boolean admin) {
  private static final Pattern HASH = Pattern.compile("sha256:(?:((?:[0-9a-fA-F]{2})+):)?([0-9a-fA-F]{64})");

  public OperatorKey {
    if (name == null || name.isBlank()) {
      throw FailureException.invalidParameter("expertmesh.router.keys", "Every key needs a name.");
    }
    if (hash == null || !HASH.matcher(hash).matches()) {
      throw FailureException.invalidParameter("expertmesh.router.keys", ("The hash of the key '%s' is not of the form "
          + "sha256:HEX or sha256:SALT:HEX; 'printf %%s KEY | sha256sum' prints the HEX of a key.").formatted(name));
    }
  }

  /** Whether {@code sent} is this key, in a time that does not depend on where they differ. */
  boolean matches(String sent) {
    Matcher parts = HASH.matcher(hash);
    if (!parts.matches()) {
      throw new IllegalStateException("the constructor checked it");
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      if (parts.group(1) != null) {
        digest.update(HexFormat.of().parseHex(parts.group(1)));
      }
      return MessageDigest.isEqual(digest.digest(sent.getBytes(StandardCharsets.UTF_8)),
          HexFormat.of().parseHex(parts.group(2)));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every Java platform has SHA-256", missing);
    }
  }
}
