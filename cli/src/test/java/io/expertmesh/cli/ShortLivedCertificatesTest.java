package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.transport.Channels;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.Tls;
import io.expertmesh.transport.TlsFiles;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ShortLivedCertificatesTest {
  @Test
  void rolesTrustEachOtherAndTheOwnerAloneReadsTheFiles() throws Exception {
    Path folder;
    try (ShortLivedCertificates certificates = ShortLivedCertificates.make();
        Tls expert = Tls.open(certificates.of(Role.EXPERT)).requireRole(Role.EXPERT);
        Tls router = Tls.open(certificates.of(Role.ROUTER)).requireRole(Role.ROUTER);
        GrpcServer server = GrpcServer.start("127.0.0.1", 0, expert, Runnable::run, List.of())) {
      server.serving(true);
      ManagedChannel channel = Channels.open(server.endpoint(), Role.EXPERT, router, Runnable::run);
      assertThat(HealthGrpc.newBlockingStub(channel).check(HealthCheckRequest.getDefaultInstance()).getStatus())
          .isEqualTo(ServingStatus.SERVING);
      channel.shutdownNow();

      TlsFiles files = certificates.of(Role.GATEWAY);
      folder = files.key().getParent();
      try (Stream<Path> all = Files.list(folder)) {
        assertThat(all).hasSize(7).allSatisfy(file -> assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------"));
      }
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder))).isEqualTo("rwx------");
    }
    assertThat(folder).doesNotExist();
  }
}
