package io.expertmesh.model.hub;

import io.expertmesh.model.checkpoint.Disk;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Brings one file of a model into the cache: goes on where an earlier try stopped, repeats what fails in passing, and
 * gives the blob its name only when size and checksum are right.
 */
final class Download {
  /** Tries in a row that bring nothing. */
  private static final int MAX_TRIES = 5;
  private static final int BUFFER_BYTES = 1 << 16;

  /** File locks are between processes only. */
  private static final Lock THIS_PROCESS = new ReentrantLock();

  private final HubClient client;
  private final HubSettings settings;
  private final String model;
  private final String commit;
  private final HubFile file;
  private final Path lock;
  private final Path incomplete;
  private final Path blob;
  private final Progress progress;

  Download(HubClient client, HubSettings settings, String model, String commit, HubFile file, HubCache cache,
      Progress progress) {
    this.client = client;
    this.settings = settings;
    this.model = model;
    this.commit = commit;
    this.file = file;
    this.lock = cache.lock(file);
    this.incomplete = cache.incomplete(file);
    this.blob = cache.blob(file);
    this.progress = progress;
  }

  void run() {
    THIS_PROCESS.lock();
    try {
      Files.createDirectories(blob.resolveSibling(""));
      Files.createDirectories(lock.resolveSibling(""));
      try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        // Another process may have been at the same file.
        if (!Files.isRegularFile(blob)) {
          complete();
        }
      }
    } catch (IOException e) {
      throw Disk.failure(blob, e);
    } finally {
      THIS_PROCESS.unlock();
    }
  }

  private void complete() throws IOException {
    boolean damagedBefore = false;
    while (true) {
      fetch();
      if (isRight()) {
        Files.move(incomplete, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return;
      }
      Files.delete(incomplete);
      if (damagedBefore) {
        throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
            "%s of %s arrived twice with another checksum than the hub's %s; try again later, or check what lies between"
                .formatted(file.name(), model, file.checksum()));
      }
      damagedBefore = true;
    }
  }

  /** Until {@link #incomplete} has all its bytes. */
  private void fetch() throws IOException {
    int tries = 0;
    while (have() < file.size() || !Files.exists(incomplete)) {
      long before = have();
      try {
        append(before);
        if (have() < file.size()) {
          throw new IOException("the connection was cut after %d of %d bytes".formatted(have(), file.size()));
        }
      } catch (IOException e) {
        tries = have() > before ? 1 : tries + 1;
        if (tries >= MAX_TRIES) {
          throw new FailureException(FailureCategory.UNAVAILABLE,
              "%s of %s cannot be downloaded (%s); what has arrived is kept, start again to go on"
                  .formatted(file.name(), model, e.getMessage()),
              e);
        }
        Retry.pause(settings.retryDelay().multipliedBy(tries));
      }
    }
  }

  private long have() throws IOException {
    return Files.exists(incomplete) ? Files.size(incomplete) : 0;
  }

  private void append(long from) throws IOException {
    HttpResponse<InputStream> response = client.open(model, commit, file, from);
    try (InputStream body = response.body()) {
      boolean goesOn = response.statusCode() == 206 && response.headers().firstValue("content-range").orElse("")
          .startsWith("bytes %d-".formatted(from));
      if (!goesOn && response.statusCode() != 200) {
        // The server takes no such range: from the start.
        Files.deleteIfExists(incomplete);
        throw new IOException("the server does not go on from byte " + from);
      }
      try (OutputStream out = output(goesOn)) {
        copy(body, out, goesOn ? from : 0);
      }
    }
  }

  private OutputStream output(boolean append) {
    try {
      return Files.newOutputStream(incomplete, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
          append ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING);
    } catch (IOException e) {
      throw Disk.failure(incomplete, e);
    }
  }

  private void copy(InputStream body, OutputStream out, long from) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long done = from;
    try (StallGuard guard = new StallGuard(body, settings.stallTimeout())) {
      for (int length = body.read(buffer); length >= 0; length = body.read(buffer)) {
        guard.moved();
        done += length;
        if (done > file.size()) {
          throw new IOException("the server sends more than the %d bytes of %s".formatted(file.size(), file.name()));
        }
        try {
          out.write(buffer, 0, length);
        } catch (IOException e) {
          throw Disk.failure(incomplete, e);
        }
        progress.update(file.name(), done, file.size());
      }
    }
  }

  private boolean isRight() throws IOException {
    MessageDigest digest = file.digest();
    try (OutputStream sink = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
      Files.copy(incomplete, sink);
    }
    return Files.size(incomplete) == file.size() && file.matches(digest);
  }
}
