package io.expertmesh.gateway.remote;

import io.expertmesh.model.failure.IoReason;
import io.expertmesh.proto.v1.RoutingTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last routing table, for a start while no router answers. Its replicas are checked like those of any table: one
 * that is gone is not reached, one of another model is not called.
 */
final class TableFile {
  private static final Logger log = LoggerFactory.getLogger(TableFile.class);

  private final Path file;
  private boolean complained;

  TableFile(Path file) {
    this.file = file;
  }

  /** What was written last; null if that was nothing, or cannot be read. */
  @Nullable
  RoutingTable read() {
    if (!Files.exists(file)) {
      return null;
    }
    try {
      return RoutingTable.parseFrom(Files.readAllBytes(file));
    } catch (IOException unreadable) {
      log.warn("The table file {} is not used: {}", file, IoReason.of(unreadable));
      return null;
    }
  }

  /** As a whole or not at all. A table that cannot be written is only missed at a start without routers. */
  void write(RoutingTable table) {
    try {
      Path whole = file.resolveSibling(file.getFileName() + ".new");
      Files.write(whole, table.toByteArray());
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      complained = false;
    } catch (IOException unwritable) {
      if (!complained) {
        complained = true;
        log.warn("The table file {} cannot be written: {}", file, IoReason.of(unwritable));
      }
    }
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
