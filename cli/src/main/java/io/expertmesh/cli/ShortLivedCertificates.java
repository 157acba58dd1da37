package io.expertmesh.cli;

import io.expertmesh.transport.Role;
import io.expertmesh.transport.TlsFiles;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Certificates for the processes of one {@code cluster} on this machine: a CA whose key is never written, and one
 * certificate per role. The files are readable by their owner alone and deleted when this is closed.
 */
final class ShortLivedCertificates implements AutoCloseable {
  static final Duration VALID = Duration.ofDays(7);
  /** Clocks of one machine agree, but a certificate must not be younger than the second it is used in. */
  private static final Duration BEFORE = Duration.ofMinutes(5);

  private final Path folder;
  private final Map<Role, TlsFiles> files = new EnumMap<>(Role.class);

  private ShortLivedCertificates(Path folder) {
    this.folder = folder;
  }

  /** Makes a CA and a certificate for each role, in a temporary folder. */
  static ShortLivedCertificates make() throws IOException {
    ShortLivedCertificates made = new ShortLivedCertificates(Files.createTempDirectory("expertmesh-tls-"));
    try {
      made.write();
      return made;
    } catch (IOException | RuntimeException failed) {
      made.close();
      throw failed;
    }
  }

  private void write() throws IOException {
    X509Bundle ca = issue(builder("CN=ExpertMesh cluster CA").setIsCertificateAuthority(true)
        .setKeyUsage(true, CertificateBuilder.KeyUsage.keyCertSign), null);
    Path caFile = write("ca.pem", ca.getCertificatePEM());
    for (Role role : Role.values()) {
      X509Bundle certificate = issue(builder("CN=" + role.dnsName())
          .addSanDnsName(role.dnsName())
          .addSanDnsName("localhost")
          .setKeyUsage(true, CertificateBuilder.KeyUsage.digitalSignature)
          .addExtendedKeyUsageServerAuth()
          .addExtendedKeyUsageClientAuth(), ca);
      String name = role.dnsName();
      files.put(role, new TlsFiles(write(name + ".pem", certificate.getCertificatePEM()),
          write(name + ".key", certificate.getPrivateKeyPEM()), caFile));
    }
  }

  private static CertificateBuilder builder(String subject) {
    Instant now = Instant.now();
    return new CertificateBuilder().subject(subject).ecp256().notBefore(now.minus(BEFORE)).notAfter(now.plus(VALID));
  }

  private static X509Bundle issue(CertificateBuilder builder, @Nullable X509Bundle ca) {
    try {
      return ca == null ? builder.buildSelfSigned() : builder.buildIssuedBy(ca);
    } catch (Exception failed) {
      throw new IllegalStateException("certificates cannot be made here", failed);
    }
  }

  private Path write(String name, String pem) throws IOException {
    Path file = folder.resolve(name);
    Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return Files.writeString(file, pem, StandardOpenOption.WRITE);
  }

  /** What a process of the role is started with. */
  TlsFiles of(Role role) {
    TlsFiles made = files.get(role);
    if (made == null) {
      throw new IllegalStateException("every role has a certificate");
    }
    return made;
  }

  @Override
  public void close() {
    try (var content = Files.list(folder)) {
      for (Path file : content.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException left) {
      throw new UncheckedIOException("the certificates in " + folder + " cannot be deleted", left);
    }
  }
}
