package io.expertmesh.router.leader;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The router that holds the lock on a file leads; for routers on one machine. The system gives the lock free when its
 * holder dies.
 */
public final class FileLockLeadership implements Leadership {
  private static final Logger log = LoggerFactory.getLogger(FileLockLeadership.class);
  private static final Duration RETRY = Duration.ofMillis(200);

  private final Path file;
  private final FileChannel channel;
  private volatile boolean closed;

  /** @throws FailureException INVALID_REQUEST if the file cannot be opened */
  public FileLockLeadership(Path file) {
    this.file = file;
    try {
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException unusable) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The leader lock %s cannot be opened: %s".formatted(file, IoReason.of(unusable)), unusable);
    }
  }

  @Override
  public void start(Candidate candidate) {
    Thread.ofPlatform().daemon().name("leader-lock").start(() -> {
      try {
        boolean leads = tryLock();
        if (!leads) {
          log.info("Another router leads; {} is its lock", file);
        }
        while (!leads && !closed) {
          Thread.sleep(RETRY);
          leads = tryLock();
        }
        if (leads) {
          candidate.lead();
        }
      } catch (IOException broken) {
        if (!closed) {
          log.error("The leader lock {} cannot be used; this router will not lead: {}", file, broken.toString());
        }
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
    });
  }

  private boolean tryLock() throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  @Override
  public void close() {
    closed = true;
    try {
      channel.close();
    } catch (IOException broken) {
      log.warn("Closing the leader lock {} failed: {}", file, broken.toString());
    }
  }
}
