package io.expertmesh.transport;

import io.netty.handler.ssl.NotSslRecordException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whom a server with TLS turned away, counted by reason. The log names their addresses, one each second at most. */
public final class RefusedCallers {
  /** Why; the names are those of the metrics' label {@code reason}. */
  public enum Reason {
    /** Speaks plain text, or something else than TLS. */
    NOT_TLS,
    /** Has no certificate, or none that comes from the CA. */
    CERTIFICATE,
    /** Ended the TLS handshake, did not agree to it, or took too long. */
    HANDSHAKE,
    /** Has a certificate whose names do not allow the call. */
    ROLE;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final Logger log = LoggerFactory.getLogger(RefusedCallers.class);
  private static final long LOG_PERIOD = Duration.ofSeconds(1).toNanos();

  private final Map<Reason, LongAdder> counts = new EnumMap<>(Reason.class);
  private final AtomicLong lastLogged = new AtomicLong(System.nanoTime() - LOG_PERIOD);

  RefusedCallers() {
    for (Reason reason : Reason.values()) {
      counts.put(reason, new LongAdder());
    }
  }

  /** Calls and connections refused since the start. */
  public long count(Reason reason) {
    return counter(reason).sum();
  }

  void refused(Object address, Reason reason, String why) {
    counter(reason).increment();
    long now = System.nanoTime();
    long last = lastLogged.get();
    if (now - last >= LOG_PERIOD && lastLogged.compareAndSet(last, now)) {
      log.warn("Refused {}: {}", address, why);
    }
  }

  /** A connection whose TLS handshake failed. */
  void handshakeFailed(Object address, Throwable failure) {
    Reason reason = Reason.HANDSHAKE;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof NotSslRecordException) {
        reason = Reason.NOT_TLS;
      } else if (cause instanceof CertificateException
          || (cause instanceof SSLException && String.valueOf(cause.getMessage()).contains("client certificate"))) {
        reason = Reason.CERTIFICATE;
      }
    }
    refused(address, reason, switch (reason) {
      case NOT_TLS -> "it does not speak TLS";
      case CERTIFICATE -> "its certificate is missing or not of this service's CA (" + failure.getMessage() + ")";
      case HANDSHAKE, ROLE -> "the TLS handshake failed (" + failure.getMessage() + ")";
    });
  }

  private LongAdder counter(Reason reason) {
    LongAdder counter = counts.get(reason);
    if (counter == null) {
      throw new IllegalStateException("no counter for " + reason);
    }
    return counter;
  }
}
