package io.expertmesh.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsFilesTest {
  @TempDir
  private Path folder;
  private TestCertificates authority;

  @BeforeEach
  void makeAuthority() throws Exception {
    authority = new TestCertificates(folder);
  }

  @Test
  void missingAndEmptyFilesAreNamed() throws Exception {
    TlsFiles good = authority.issue(Role.EXPERT);
    Path missing = folder.resolve("missing.pem");
    Path empty = Files.createFile(folder.resolve("empty.pem"));

    refused(new TlsFiles(missing, good.key(), good.ca()), missing + " cannot be read: no such file");
    refused(new TlsFiles(good.certificate(), missing, good.ca()), missing + " cannot be read: no such file");
    refused(new TlsFiles(good.certificate(), good.key(), missing), missing + " cannot be read: no such file");
    refused(new TlsFiles(empty, good.key(), good.ca()), empty + " has no certificate");
    refused(new TlsFiles(good.certificate(), empty, good.ca()), empty + " has no private key in PKCS #8 PEM");
    refused(new TlsFiles(good.certificate(), good.key(), empty), empty + " has no certificate");
  }

  @Test
  void aKeyOfAnotherCertificateIsRefused() throws Exception {
    TlsFiles one = authority.issue(Role.EXPERT);
    TlsFiles other = authority.issue(Role.EXPERT);

    refused(new TlsFiles(one.certificate(), other.key(), one.ca()), "does not belong to the certificate");
  }

  @Test
  void damagedFilesAreRefused() throws Exception {
    TlsFiles files = authority.issue(Role.EXPERT);
    Files.writeString(files.key(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refused(files, files.key() + " cannot be read");

    Files.writeString(files.certificate(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refused(files, files.certificate() + " cannot be read");
  }

  @Test
  void anExpiredCertificateIsRefused() throws Exception {
    TlsFiles files = authority.issue(Role.EXPERT);
    TestCertificates.write(files, authority.certificate(Instant.now().minus(Duration.ofDays(1)), "expert.expertmesh"));

    refused(files, "cannot be used: NotAfter");
  }

  @Test
  void aCertificateWithoutTheRoleIsFoundAtTheStart() throws Exception {
    try (Tls tls = Tls.open(authority.issue(Role.ROUTER))) {
      assertThat(tls.requireRole(Role.ROUTER)).isSameAs(tls);
      assertThatThrownBy(() -> tls.requireRole(Role.EXPERT)).isInstanceOf(FailureException.class)
          .hasMessageContaining("is for router.expertmesh; other services expect the DNS name expert.expertmesh");
    }
  }

  @Test
  void plainTextIsForThisMachineUnlessAskedFor() throws Exception {
    assertThatThrownBy(() -> GrpcServer.start("0.0.0.0", 0, Plaintext.LOOPBACK, Runnable::run, List.of()).close())
        .isInstanceOf(FailureException.class)
        .hasMessageContainingAll("Other machines can reach 0.0.0.0", "--tls-certificate", "--plaintext");
    assertThatThrownBy(() -> GrpcServer.start("no.such.host.invalid", 0, Plaintext.LOOPBACK, Runnable::run, List.of()))
        .isInstanceOf(FailureException.class).hasMessageContaining("there is no such host");
    GrpcServer.start("0.0.0.0", 0, Plaintext.ANYWHERE, Runnable::run, List.of()).close();
    GrpcServer.start("localhost", 0, Plaintext.LOOPBACK, Runnable::run, List.of()).close();
    try (Tls tls = Tls.open(authority.issue(Role.ROUTER))) {
      GrpcServer.start("0.0.0.0", 0, tls, Runnable::run, List.of()).close();
    }
  }

  private static void refused(TlsFiles files, String reason) {
    assertThatThrownBy(() -> Tls.open(files)).isInstanceOf(FailureException.class).hasMessageContaining(reason);
  }
}
