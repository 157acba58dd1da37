package io.expertmesh.transport;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** A certificate authority whose certificates lie in a folder. */
final class TestCertificates {
  private final Path folder;
  private final Path ca;
  private final X509Bundle authority;
  private int serial;

  TestCertificates(Path folder) throws Exception {
    this.folder = folder;
    this.authority = new CertificateBuilder().subject("CN=Test CA").setIsCertificateAuthority(true).ecp256()
        .buildSelfSigned();
    this.ca = folder.resolve("ca-%d.pem".formatted(System.nanoTime()));
    Files.writeString(ca, authority.getCertificatePEM());
  }

  Path ca() {
    return ca;
  }

  /** Files of a new certificate for {@code dnsNames}. */
  TlsFiles issue(String... dnsNames) throws Exception {
    TlsFiles files = new TlsFiles(folder.resolve("cert-%d.pem".formatted(System.nanoTime())),
        folder.resolve("key-%d.pem".formatted(System.nanoTime())), ca);
    write(files, certificate(Instant.now().plus(Duration.ofDays(1)), dnsNames));
    return files;
  }

  TlsFiles issue(Role role) throws Exception {
    return issue(role.dnsName());
  }

  X509Bundle certificate(Instant until, String... dnsNames) throws Exception {
    serial++;
    CertificateBuilder builder = new CertificateBuilder().subject("CN=process " + serial).ecp256()
        .notBefore(Instant.now().minus(Duration.ofDays(2))).notAfter(until);
    for (String name : dnsNames) {
      builder.addSanDnsName(name);
    }
    return builder.buildIssuedBy(authority);
  }

  static void write(TlsFiles files, X509Bundle certificate) throws IOException {
    Files.writeString(files.key(), certificate.getPrivateKeyPEM());
    Files.writeString(files.certificate(), certificate.getCertificatePathPEM());
  }
}
