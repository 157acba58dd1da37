package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.Tls;
import io.expertmesh.transport.TlsFiles;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class TlsOptionsTest {
  @Command
  private static final class Service {
    @Mixin
    private final TlsOptions tls = new TlsOptions();
  }

  private static TlsOptions parse(String... arguments) {
    Service service = new Service();
    var _ = new CommandLine(service).parseArgs(arguments);
    return service.tls;
  }

  @Test
  void plainTextStaysOnThisMachineUnlessAskedFor() {
    assertThat(parse().open(Role.EXPERT)).isEqualTo(Plaintext.LOOPBACK);
    assertThat(parse("--plaintext").open(Role.EXPERT)).isEqualTo(Plaintext.ANYWHERE);
  }

  @Test
  void allFilesAreGivenOrNone() {
    assertThatThrownBy(() -> parse("--tls-certificate", "a.pem", "--tls-ca", "ca.pem").open(Role.EXPERT))
        .isInstanceOf(FailureException.class).hasMessageContaining("--tls-key is missing");
    assertThatThrownBy(() -> parse("--tls-certificate", "a.pem", "--tls-key", "b", "--tls-ca", "c", "--plaintext")
        .open(Role.EXPERT)).isInstanceOf(FailureException.class).hasMessageContaining("contradict");
  }

  @Test
  void theCertificateMustBeForTheRole() throws Exception {
    try (ShortLivedCertificates certificates = ShortLivedCertificates.make()) {
      TlsFiles files = certificates.of(Role.GATEWAY);
      TlsOptions options = parse("--tls-certificate", files.certificate().toString(), "--tls-key",
          files.key().toString(), "--tls-ca", String.valueOf(files.ca()));
      try (Tls tls = (Tls) options.open(Role.GATEWAY)) {
        assertThat(tls).isNotNull();
      }
      assertThatThrownBy(() -> options.open(Role.ROUTER)).isInstanceOf(FailureException.class)
          .hasMessageContaining("router.expertmesh");
    }
  }
}
