package io.expertmesh.transport;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import io.grpc.util.CertificateUtils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * PEM files.
 *
 * @param certificate of this process, followed by those between it and the CA
 * @param key of the certificate: PKCS #8, not encrypted
 * @param ca certificates that those of other services must come from; links between services need it
 */
public record TlsFiles(Path certificate, Path key, @Nullable Path ca) {
  public TlsFiles {
    if (certificate == null || key == null) {
      throw failure("TLS needs both a certificate and its key; one of them is missing.", null);
    }
  }

  /** What the files hold; {@code ca} is empty if there is no such file. */
  record Content(List<X509Certificate> chain, PrivateKey key, List<X509Certificate> ca) {}

  /** @throws FailureException INVALID_REQUEST naming the file that is missing, unreadable, or does not fit the others */
  Content read() {
    List<X509Certificate> chain = certificates(certificate);
    PrivateKey privateKey = privateKey();
    try {
      chain.getFirst().checkValidity();
      if (!belongTogether(chain.getFirst().getPublicKey(), privateKey)) {
        throw failure("The key %s does not belong to the certificate %s; make both anew, or name those that do."
            .formatted(key, certificate), null);
      }
    } catch (GeneralSecurityException unfit) {
      throw failure("The certificate %s cannot be used: %s".formatted(certificate, unfit.getMessage()), unfit);
    }
    return new Content(chain, privateKey, ca == null ? List.of() : certificates(ca));
  }

  private static List<X509Certificate> certificates(Path file) {
    try (InputStream content = Files.newInputStream(file)) {
      X509Certificate[] certificates = CertificateUtils.getX509Certificates(content);
      if (certificates.length > 0) {
        return List.of(certificates);
      }
      throw failure("The file %s has no certificate; it must have one in PEM (-----BEGIN CERTIFICATE-----)."
          .formatted(file), null);
    } catch (IOException unreadable) {
      throw unreadable(file, unreadable);
    } catch (GeneralSecurityException damaged) {
      throw failure("The certificate %s cannot be read: %s".formatted(file, damaged.getMessage()), damaged);
    }
  }

  private PrivateKey privateKey() {
    try {
      if (!Files.readString(key, StandardCharsets.US_ASCII).contains("-----BEGIN PRIVATE KEY-----")) {
        throw failure("""
            The file %s has no private key in PKCS #8 PEM (-----BEGIN PRIVATE KEY-----); \
            'openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW' converts other kinds.""".formatted(key), null);
      }
      try (InputStream content = Files.newInputStream(key)) {
        return CertificateUtils.getPrivateKey(content);
      }
    } catch (IOException unreadable) {
      throw unreadable(key, unreadable);
    } catch (GeneralSecurityException | IllegalArgumentException damaged) {
      throw failure("The private key %s cannot be read: %s".formatted(key, damaged.getMessage()), damaged);
    }
  }

  private static boolean belongTogether(PublicKey publicKey, PrivateKey privateKey) throws GeneralSecurityException {
    String algorithm = switch (privateKey.getAlgorithm()) {
      case "RSA" -> "SHA256withRSA";
      case "EC" -> "SHA256withECDSA";
      default -> privateKey.getAlgorithm();
    };
    if (!publicKey.getAlgorithm().equals(privateKey.getAlgorithm())) {
      return false;
    }
    byte[] sample = "belong together".getBytes(StandardCharsets.US_ASCII);
    Signature signing = Signature.getInstance(algorithm);
    signing.initSign(privateKey);
    signing.update(sample);
    byte[] signed = signing.sign();
    Signature checking = Signature.getInstance(algorithm);
    checking.initVerify(publicKey);
    checking.update(sample);
    return checking.verify(signed);
  }

  private static FailureException unreadable(Path file, IOException failure) {
    return failure("The file %s cannot be read: %s".formatted(file, IoReason.of(failure)), failure);
  }

  private static FailureException failure(String message, @Nullable Exception cause) {
    return cause == null
        ? new FailureException(FailureCategory.INVALID_REQUEST, message)
        : new FailureException(FailureCategory.INVALID_REQUEST, message, cause);
  }
}
