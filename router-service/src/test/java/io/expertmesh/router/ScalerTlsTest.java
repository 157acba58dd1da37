package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.externalscaler.ExternalScalerGrpc;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc.ExternalScalerBlockingStub;
import io.expertmesh.proto.externalscaler.ScaledObjectRef;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.Tls;
import io.expertmesh.transport.TlsFiles;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KEDA trusts a CA, has no certificate, and knows the router by the host that it calls. */
class ScalerTlsTest {
  private static final String HOST = "mesh-router.llm";
  private static final ScaledObjectRef GROUP = ScaledObjectRef.newBuilder().setName("g")
      .putScalerMetadata("experts", "0-7").build();

  private final List<ManagedChannel> channels = new ArrayList<>();
  @TempDir
  private Path folder = Path.of("");

  @AfterEach
  void disconnect() {
    channels.forEach(ManagedChannel::shutdownNow);
  }

  private Path ca() {
    return folder.resolve("ca.pem");
  }

  private Tls certificates() throws Exception {
    X509Bundle authority = new CertificateBuilder().subject("CN=Test CA").setIsCertificateAuthority(true).ecp256()
        .buildSelfSigned();
    X509Bundle router = new CertificateBuilder().subject("CN=router").ecp256().addSanDnsName(Role.ROUTER.dnsName())
        .addSanDnsName(HOST).buildIssuedBy(authority);
    Path certificate = Files.writeString(folder.resolve("router.pem"), router.getCertificatePathPEM());
    Path key = Files.writeString(folder.resolve("router.key"), router.getPrivateKeyPEM());
    Files.writeString(ca(), authority.getCertificatePEM());
    return Tls.open(new TlsFiles(certificate, key, ca()));
  }

  private static RouterServer router(LinkSecurity security, Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(more);
    settings.put("expertmesh.router.scaler-port", 0);
    settings.put("expertmesh.router.settle", "0s");
    RouterServer router = RouterServer.start(TestRouter.configuration(settings), security);
    TestRouter.await("it leads", () -> router.counters().get(Event.LED) == 1);
    return router;
  }

  private ExternalScalerBlockingStub keda(RouterServer router, ChannelCredentials credentials, String host) {
    ManagedChannel channel = Grpc.newChannelBuilder(Objects.requireNonNull(router.scalerEndpoint()), credentials)
        .overrideAuthority(host).build();
    channels.add(channel);
    return ExternalScalerGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  @Test
  void whereLinksHaveTlsKedaHasIt() throws Exception {
    try (Tls tls = certificates(); RouterServer router = router(tls, Map.of())) {
      ChannelCredentials trusting = TlsChannelCredentials.newBuilder().trustManager(ca().toFile()).build();
      assertThat(keda(router, trusting, HOST).isActive(GROUP).getResult()).isFalse();
      assertThatThrownBy(() -> keda(router, trusting, "other.llm").isActive(GROUP)).hasMessageContaining("UNAVAILABLE");
      assertThatThrownBy(() -> keda(router, InsecureChannelCredentials.create(), HOST).isActive(GROUP))
          .hasMessageContaining("UNAVAILABLE");
    }
  }

  @Test
  void unlessItShallNot() throws Exception {
    try (Tls tls = certificates();
        RouterServer router = router(tls, Map.of("expertmesh.router.scaler-plaintext", true))) {
      assertThat(keda(router, InsecureChannelCredentials.create(), HOST).isActive(GROUP).getResult()).isFalse();
    }
  }
}
