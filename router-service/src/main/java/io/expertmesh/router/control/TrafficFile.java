package io.expertmesh.router.control;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import io.expertmesh.proto.v1.SetTrafficRequest;
import io.expertmesh.proto.v1.TrafficShare;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that declares the shares of traffic, in the JSON that {@code PUT /v1/admin/traffic} takes. What cannot be used
 * is reported once, and the last content that could stays in force. Belongs to the event loop.
 */
public final class TrafficFile {
  private static final Logger log = LoggerFactory.getLogger(TrafficFile.class);
  private static final int MAX_BYTES = 1 << 20;

  private final Path file;
  private @Nullable String seen;
  private volatile @Nullable String complaint;
  private @Nullable List<TrafficShare> shares;

  /** Reads the file. */
  TrafficFile(Path file) {
    this.file = file;
    look();
  }

  /** Of the last content that could be used; null if there was none yet. */
  @Nullable
  List<TrafficShare> shares() {
    return shares;
  }

  /** Whether the file's content now is what holds. May be asked on any thread. */
  public boolean isGood() {
    return complaint == null;
  }

  /** Reads the file again. Returns whether other shares hold now. */
  boolean look() {
    try {
      String text = read();
      if (text.equals(seen)) {
        return false;
      }
      seen = text;
      SetTrafficRequest.Builder request = SetTrafficRequest.newBuilder();
      JsonFormat.parser().merge(text, request);
      List<TrafficShare> declared = List.copyOf(request.getTrafficList());
      Traffic.check(declared);
      complaint = null;
      boolean changed = !declared.equals(shares);
      shares = declared;
      if (changed) {
        log.info("Traffic by {}: {}", file, inWords(declared));
      }
      return changed;
    } catch (IOException unreadable) {
      seen = null;
      complain(
          unreadable instanceof InvalidProtocolBufferException ? unreadable.getMessage() : IoReason.of(unreadable));
    } catch (FailureException wrong) {
      complain(wrong.getMessage());
    }
    return false;
  }

  private String read() throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException("it is larger than %d bytes".formatted(MAX_BYTES));
    }
    return Files.readString(file);
  }

  private void complain(@Nullable String message) {
    String reason = message == null ? "it is not JSON" : message.replaceFirst("\\.$", "");
    if (!reason.equals(complaint)) {
      complaint = reason;
      log.error("The traffic file {} cannot be used: {}. {}", file, reason,
          shares == null
              ? "Gateways keep the shares that they have."
              : "The shares before it stay: " + inWords(shares));
    }
  }

  private static String inWords(List<TrafficShare> shares) {
    return shares.isEmpty()
        ? "everything goes to the main version"
        : String.join(", ", shares.stream().map(share -> "%s %s%%%s".formatted(share.getVersion(), share.getPercent(),
            share.getKeysCount() == 0 ? "" : " and the keys " + String.join(" ", share.getKeysList()))).toList());
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
