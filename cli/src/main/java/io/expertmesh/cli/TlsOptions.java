package io.expertmesh.cli;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.Tls;
import io.expertmesh.transport.TlsFiles;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How links to the other services are protected: mutual TLS if its files are given, otherwise plain text. */
final class TlsOptions {
  @Option(
      names = "--tls-certificate",
      paramLabel = "FILE",
      description = "This service's certificate (PEM), for mutual TLS. Changed files are read again without a restart.")
  private @Nullable Path certificate;

  @Option(names = "--tls-key", paramLabel = "FILE", description = "The certificate's key (PEM, PKCS #8).")
  private @Nullable Path key;

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      description = "The certificate (PEM) of the CA that made those of the other services.")
  private @Nullable Path ca;

  @Option(
      names = "--plaintext",
      description = "Allow links in plain text that other machines can reach, for networks that encrypt by themselves.")
  private boolean plaintext;

  /** The files, or null for plain text. */
  @Nullable
  TlsFiles files() {
    if (certificate == null && key == null && ca == null) {
      return null;
    }
    if (certificate == null || key == null || ca == null) {
      throw FailureException.invalidParameter("--tls-certificate",
          "--tls-certificate, --tls-key and --tls-ca are given together or not at all; %s is missing.".formatted(
              certificate == null ? "--tls-certificate" : key == null ? "--tls-key" : "--tls-ca"));
    }
    if (plaintext) {
      throw FailureException.invalidParameter("--plaintext",
          "--plaintext and --tls-certificate contradict each other; leave one out.");
    }
    return new TlsFiles(certificate, key, ca);
  }

  /**
   * What the links of this process use from its start to its end.
   *
   * @param role of this process; its certificate must say the same
   */
  LinkSecurity open(Role role) {
    TlsFiles files = files();
    if (files == null) {
      return plaintext ? Plaintext.ANYWHERE : Plaintext.LOOPBACK;
    }
    return Tls.open(files).requireRole(role);
  }
}
