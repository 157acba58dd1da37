package io.expertmesh.transport;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.grpc.util.AdvancedTlsX509TrustManager.Verification;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS 1.3 with certificates from files. Files that change are read again; connections made from then on use them, and
 * those that are open stay. Files that do not fit together are reported in the log and left until they do.
 */
public final class Tls implements LinkSecurity, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Tls.class);
  private static final Duration RELOAD_PERIOD = Duration.ofSeconds(10);
  /** Seconds. Every connection proves itself anew, so that a replaced certificate or CA counts from the next one. */
  private static final long SESSION_TIMEOUT = 1;

  private final TlsFiles files;
  private final AdvancedTlsX509KeyManager keyManager = new AdvancedTlsX509KeyManager();
  private final AdvancedTlsX509TrustManager trustManager;
  private final SslContext links;
  private final SslContext clients;
  private final SslContext applications;
  private final ScheduledExecutorService reloads = Executors.newSingleThreadScheduledExecutor(
      Thread.ofPlatform().daemon().name("tls-reload").factory());
  private volatile TlsFiles.Content content;
  private List<FileTime> read;

  private Tls(TlsFiles files) throws GeneralSecurityException, IOException {
    this.files = files;
    this.read = changed();
    this.content = files.read();
    this.trustManager = AdvancedTlsX509TrustManager.newBuilder()
        .setVerification(Verification.CERTIFICATE_AND_HOST_NAME_VERIFICATION)
        .build();
    use(content);
    this.links = context(SslContextBuilder.forServer(keyManager).trustManager(trustManager)
        .clientAuth(ClientAuth.REQUIRE));
    this.applications = context(SslContextBuilder.forServer(keyManager));
    this.clients = context(SslContextBuilder.forClient().keyManager(keyManager).trustManager(trustManager));
  }

  /** Reads the files, and looks every 10 s whether they changed. */
  public static Tls open(TlsFiles files) {
    return open(files, RELOAD_PERIOD);
  }

  /**
   * Reads the files.
   *
   * @param period of looking whether they changed
   * @throws FailureException INVALID_REQUEST if they cannot be used, naming the one at fault
   */
  static Tls open(TlsFiles files, Duration period) {
    try {
      Tls tls = new Tls(files);
      var _ = tls.reloads.scheduleWithFixedDelay(tls::reload, period.toMillis(), period.toMillis(),
          TimeUnit.MILLISECONDS);
      return tls;
    } catch (GeneralSecurityException | IOException unusable) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The certificate %s cannot be used: %s".formatted(files.certificate(), unusable.getMessage()), unusable);
    }
  }

  private static SslContext context(SslContextBuilder builder) throws SSLException {
    return GrpcSslContexts.configure(builder, SslProvider.JDK)
        .protocols("TLSv1.3")
        .sessionTimeout(SESSION_TIMEOUT)
        .build();
  }

  /**
   * Makes sure that others will take this process for a {@code role}.
   *
   * @throws FailureException INVALID_REQUEST if the certificate says otherwise or there is no CA
   */
  public Tls requireRole(Role role) {
    if (files.ca() == null) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "Links between services need the CA's certificate too (--tls-ca FILE).");
    }
    List<String> names = CertificateNames.of(content.chain().getFirst());
    if (!names.contains(role.dnsName())) {
      throw new FailureException(FailureCategory.INVALID_REQUEST, """
          The certificate %s is for %s; other services expect the DNS name %s in it \
          (subject alternative name).""".formatted(files.certificate(), CertificateNames.inWords(names),
          role.dnsName()));
    }
    return this;
  }

  /** For servers that only other services may call. */
  SslContext links() {
    return links;
  }

  /** For servers that applications call; these need no certificate. */
  SslContext applications() {
    return applications;
  }

  /** For calling other services. */
  SslContext clients() {
    return clients;
  }

  private List<FileTime> changed() {
    List<FileTime> times = new ArrayList<>();
    for (Path file : new Path[]{files.certificate(), files.key(), files.ca()}) {
      times.add(file == null ? FileTime.fromMillis(0) : changed(file));
    }
    return times;
  }

  private static FileTime changed(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException gone) {
      return FileTime.fromMillis(0);
    }
  }

  private void reload() {
    try {
      List<FileTime> now = changed();
      if (!now.equals(read)) {
        TlsFiles.Content fresh = files.read();
        use(fresh);
        content = fresh;
        read = now;
        log.info("New connections use the certificate {}, valid until {}", files.certificate(),
            fresh.chain().getFirst().getNotAfter().toInstant());
      }
    } catch (FailureException | GeneralSecurityException | IOException unusable) {
      log.warn("The TLS files changed but cannot be used; connections go on with those before. {}",
          unusable.getMessage());
    }
  }

  private void use(TlsFiles.Content fresh) throws GeneralSecurityException, IOException {
    keyManager.updateIdentityCredentials(fresh.chain().toArray(X509Certificate[]::new), fresh.key());
    if (!fresh.ca().isEmpty()) {
      trustManager.updateTrustCredentials(fresh.ca().toArray(X509Certificate[]::new));
    }
  }

  /** Stops looking at the files. Servers and channels that use it stay. */
  @Override
  public void close() {
    reloads.shutdownNow();
  }
}
