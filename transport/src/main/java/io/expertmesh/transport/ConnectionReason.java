package io.expertmesh.transport;

import io.grpc.Status;
import io.netty.handler.ssl.NotSslRecordException;
import java.net.ConnectException;
import java.util.Objects;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Why another service could not be reached, for messages that name the service themselves. */
public final class ConnectionReason {
  private ConnectionReason() {}

  /** One line; gRPC's own description if nothing more is known. */
  public static String of(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case ConnectException refused -> {
          return firstLine(refused.getMessage(), "the connection was refused");
        }
        case NotSslRecordException plain -> {
          return "it speaks plain text, and this process TLS";
        }
        case SSLException tls -> {
          return ofTls(tls);
        }
        default -> {
        }
      }
    }
    Status status = Status.fromThrowable(failure);
    String description = firstLine(status.getDescription(), status.getCode().name());
    return description.equals("Network closed for unknown reason")
        ? "it closed the connection before a word, as a server with TLS does to one that speaks plain text"
        : description;
  }

  private static String ofTls(SSLException failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String reason = firstLine(root.getMessage(), root.getClass().getSimpleName());
    if (root instanceof NotSslRecordException) {
      return "it speaks plain text, and this process TLS";
    }
    return reason.contains("Received fatal alert")
        ? "it refused this process's certificate or TLS settings (%s)".formatted(reason)
        : "this process does not accept its certificate (%s)".formatted(reason);
  }

  private static String firstLine(@Nullable String text, String otherwise) {
    return Objects.requireNonNullElse(text, otherwise).lines().findFirst().orElse(otherwise);
  }
}
