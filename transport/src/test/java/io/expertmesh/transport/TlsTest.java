package io.expertmesh.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.transport.RefusedCallers.Reason;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real connections on loopback. */
class TlsTest {
  private static final Duration OFTEN = Duration.ofMillis(20);

  @TempDir
  private Path folder;
  private TestCertificates authority;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @BeforeEach
  void makeAuthority() throws Exception {
    authority = new TestCertificates(folder);
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : opened.reversed()) {
      one.close();
    }
    executor.shutdownNow();
  }

  @Test
  void aRoleMayCallWhatItsNameAllows() throws Exception {
    GrpcServer server = expert();

    assertThat(describe(server, Role.EXPERT, tls(authority.issue(Role.GATEWAY)))).isEqualTo("expert-0");
    assertThat(describe(server, Role.EXPERT, tls(authority.issue(Role.ROUTER)))).isEqualTo("expert-0");
    assertThat(forward(server, tls(authority.issue(Role.GATEWAY)))).isEqualTo(Status.Code.OK);
    assertThat(Reason.values()).allSatisfy(reason -> assertThat(server.refusedCallers().count(reason)).isZero());
    assertThat(forward(server, tls(authority.issue("router.expertmesh", "gateway.expertmesh"))))
        .isEqualTo(Status.Code.OK);
  }

  @Test
  void anotherRoleIsRefusedInWords() throws Exception {
    GrpcServer server = expert();

    StatusRuntimeException refusal = catchThrowableOfType(StatusRuntimeException.class,
        () -> describe(server, Role.EXPERT, tls(authority.issue(Role.EXPERT))));

    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(refusal.getStatus().getDescription()).isEqualTo("expertmesh.v1.ExpertService/Describe may be called by "
        + "gateway.expertmesh or router.expertmesh; the caller's certificate is for expert.expertmesh.");
    assertThat(forward(server, tls(authority.issue(Role.ROUTER)))).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(forward(server, tls(authority.issue()))).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(server.refusedCallers().count(Reason.ROLE)).isEqualTo(3);
  }

  @Test
  void healthIsOpenToEveryCertificateOfTheCa() throws Exception {
    GrpcServer server = expert();
    server.serving(true);
    ManagedChannel channel = channel(server, Role.EXPERT, tls(authority.issue("monitoring.example.org")));

    assertThat(HealthGrpc.newBlockingStub(channel).check(HealthCheckRequest.getDefaultInstance()).getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void aServerWithAnotherRoleIsNotTrusted() throws Exception {
    GrpcServer server = expert();

    assertThatThrownBy(() -> describe(server, Role.ROUTER, tls(authority.issue(Role.GATEWAY))))
        .satisfies(refused -> assertThat(Status.fromThrowable(refused).getCode()).isEqualTo(Status.Code.UNAVAILABLE))
        .satisfies(refused -> assertThat(ConnectionReason.of(refused)).startsWith(
            "this process does not accept its certificate (No subject alternative DNS name matching router.expertmesh"));
  }

  @Test
  void aCertificateOfAnotherCaIsRefusedByBothSides() throws Exception {
    GrpcServer server = expert();
    TestCertificates foreign = new TestCertificates(folder);
    TlsFiles stranger = foreign.issue(Role.GATEWAY);
    TlsFiles strangerWhoTrustsUs = new TlsFiles(stranger.certificate(), stranger.key(), authority.ca());

    assertThatThrownBy(() -> describe(server, Role.EXPERT, tls(stranger)))
        .satisfies(refused -> assertThat(ConnectionReason.of(refused))
            .startsWith("this process does not accept its certificate ("));
    assertThatThrownBy(() -> describe(server, Role.EXPERT, tls(strangerWhoTrustsUs)))
        .satisfies(
            refused -> assertThat(ConnectionReason.of(refused)).startsWith("it refused this process's certificate"));
    awaitRefused(server, Reason.HANDSHAKE);
    awaitRefused(server, Reason.CERTIFICATE);
  }

  @Test
  void aCallerWithoutCertificateFailsTheHandshake() throws Exception {
    GrpcServer server = expert();
    SSLContext trusting = SSLContext.getInstance("TLS");
    trusting.init(null, new TrustManager[]{new TrustEverything()}, null);

    try (SSLSocket socket = (SSLSocket) trusting.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(),
        server.port())) {
      socket.setSoTimeout(5000);
      socket.startHandshake();
      assertThatThrownBy(() -> socket.getInputStream().read()).hasMessageContaining("certificate_required");
      assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.3");
    }
    awaitRefused(server, Reason.CERTIFICATE);
  }

  @Test
  void plainTextAndTlsDoNotMix() throws Exception {
    GrpcServer secured = expert();
    GrpcServer plain = expert(Plaintext.LOOPBACK);

    assertThatThrownBy(() -> describe(secured, Role.EXPERT, Plaintext.LOOPBACK))
        .satisfies(refused -> assertThat(ConnectionReason.of(refused)).contains("TLS", "plain text"));
    awaitRefused(secured, Reason.NOT_TLS);
    assertThatThrownBy(() -> describe(plain, Role.EXPERT, tls(authority.issue(Role.GATEWAY))))
        .satisfies(refused -> assertThat(ConnectionReason.of(refused))
            .isEqualTo("it speaks plain text, and this process TLS"));
    assertThat(describe(plain, Role.EXPERT, Plaintext.LOOPBACK)).isEqualTo("expert-0");
  }

  @Test
  void applicationsNeedNoCertificate() throws Exception {
    GrpcServer server = keep(GrpcServer.startForApplications("127.0.0.1", 0, tls(authority.issue(Role.EXPERT)), 4096,
        executor, List.of(new Expert())));

    assertThat(describe(server, Role.EXPERT, tls(authority.issue("an.application")))).isEqualTo("expert-0");
    assertThat(served(server).getSubjectX500Principal().getName()).isEqualTo("CN=process 1");
  }

  @Test
  void newConnectionsUseReplacedFiles() throws Exception {
    TlsFiles serverFiles = authority.issue(Role.EXPERT);
    GrpcServer server = keep(GrpcServer.startForApplications("127.0.0.1", 0, tls(serverFiles), 4096, executor,
        List.of(new Expert())));
    ManagedChannel before = channel(server, Role.EXPERT, tls(authority.issue(Role.GATEWAY)));
    assertThat(describe(before)).isEqualTo("expert-0");
    assertThat(served(server).getSubjectX500Principal().getName()).isEqualTo("CN=process 1");

    TestCertificates.write(serverFiles, authority.certificate(Instant.now().plusSeconds(3600), Role.EXPERT.dnsName()));

    while (!served(server).getSubjectX500Principal().getName().equals("CN=process 3")) {
      Thread.onSpinWait();
    }
    assertThat(describe(before)).isEqualTo("expert-0");
  }

  private static void awaitRefused(GrpcServer server, Reason reason) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (server.refusedCallers().count(reason) == 0) {
      assertThat(System.nanoTime()).as("time").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private GrpcServer expert() throws Exception {
    return expert(tls(authority.issue(Role.EXPERT)));
  }

  private GrpcServer expert(LinkSecurity security) {
    return keep(GrpcServer.start("127.0.0.1", 0, security, executor, List.<BindableService>of(new Expert())));
  }

  private Tls tls(TlsFiles files) {
    return keep(Tls.open(files, OFTEN));
  }

  private <T extends AutoCloseable> T keep(T resource) {
    opened.add(resource);
    return resource;
  }

  private ManagedChannel channel(GrpcServer server, Role role, LinkSecurity security) {
    ManagedChannel channel = Channels.open(server.endpoint(), role, security, executor);
    opened.add(channel::shutdownNow);
    return channel;
  }

  private String describe(GrpcServer server, Role role, LinkSecurity security) {
    return describe(channel(server, role, security));
  }

  private static String describe(ManagedChannel channel) {
    return ExpertServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS)
        .describe(DescribeRequest.getDefaultInstance()).getProcessId();
  }

  /** How a stream without messages ends. */
  private Status.Code forward(GrpcServer server, LinkSecurity security) {
    CompletableFuture<Status.Code> end = new CompletableFuture<>();
    ExpertServiceGrpc.newStub(channel(server, Role.EXPERT, security)).withDeadlineAfter(10, TimeUnit.SECONDS)
        .forward(new StreamObserver<ForwardResponse>() {
          @Override
          public void onNext(ForwardResponse value) {}

          @Override
          public void onError(Throwable failure) {
            end.complete(Status.fromThrowable(failure).getCode());
          }

          @Override
          public void onCompleted() {
            end.complete(Status.Code.OK);
          }
        }).onCompleted();
    return end.join();
  }

  /** The certificate that a new connection sees. */
  private static X509Certificate served(GrpcServer server) throws Exception {
    SSLContext trusting = SSLContext.getInstance("TLS");
    trusting.init(null, new TrustManager[]{new TrustEverything()}, null);
    try (SSLSocket socket = (SSLSocket) trusting.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(),
        server.port())) {
      socket.startHandshake();
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  private static final class Expert extends ExpertServiceGrpc.ExpertServiceImplBase {
    @Override
    public void describe(DescribeRequest request, StreamObserver<DescribeResponse> responses) {
      responses.onNext(DescribeResponse.newBuilder().setProcessId("expert-0").build());
      responses.onCompleted();
    }

    @Override
    public StreamObserver<ForwardRequest> forward(StreamObserver<ForwardResponse> responses) {
      return new StreamObserver<>() {
        @Override
        public void onNext(ForwardRequest value) {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
          responses.onCompleted();
        }
      };
    }
  }

  private static final class TrustEverything implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
