package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Writes large files and folders so that their names only ever stand for whole ones. */
public final class Disk {
  private static final long MEBIBYTE = 1 << 20;

  private Disk() {}

  /** Writes to a path that does not exist yet, creating a file or a folder. */
  @FunctionalInterface
  public interface Writer {
    void writeTo(Path temporary) throws IOException;
  }

  /**
   * Fails unless the disk that holds {@code target}, or will hold it, has room for {@code bytes} more.
   *
   * @throws FailureException {@code UNAVAILABLE}, with both sizes
   */
  public static void requireSpace(Path target, long bytes) {
    Path existing = target.toAbsolutePath();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    try {
      long free = Files.getFileStore(existing).getUsableSpace();
      if (free < bytes) {
        throw new FailureException(FailureCategory.UNAVAILABLE,
            "%s: %d MiB are needed, but the disk has %d MiB left; free some or choose another place"
                .formatted(target, bytes / MEBIBYTE + 1, free / MEBIBYTE));
      }
    } catch (IOException e) {
      throw failure(target, e);
    }
  }

  /**
   * Has {@code writer} write beside {@code target}, then gives the result its name in one step. An existing file is
   * replaced; an existing folder is refused. What a failed writer left is deleted.
   */
  public static void write(Path target, Writer writer) {
    Path folder = target.toAbsolutePath().normalize().resolveSibling("");
    Path temporary = folder.resolve(".%s.%s.incomplete".formatted(target.getFileName(), UUID.randomUUID()));
    try {
      if (Files.isDirectory(target)) {
        throw new FileAlreadyExistsException(target.toString());
      }
      Files.createDirectories(folder);
      writer.writeTo(temporary);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw failure(target, e);
    } finally {
      delete(temporary);
    }
  }

  /** Runs {@code writer} with a folder of its own that is deleted afterwards. */
  static void withTemporaryFolder(Writer writer) {
    Path folder = null;
    try {
      folder = Files.createTempDirectory("expertmesh");
      writer.writeTo(folder);
    } catch (IOException e) {
      throw failure(folder == null ? Path.of(System.getProperty("java.io.tmpdir")) : folder, e);
    } finally {
      if (folder != null) {
        delete(folder);
      }
    }
  }

  /** What an {@link IOException} while writing {@code target} means to the user. */
  public static FailureException failure(Path target, IOException cause) {
    if (cause instanceof FileAlreadyExistsException) {
      return new FailureException(FailureCategory.INVALID_REQUEST,
          target + ": already exists; remove it or choose another name", cause);
    }
    return new FailureException(FailureCategory.UNAVAILABLE,
        "%s: cannot be written (%s)".formatted(target, IoReason.of(cause)), cause);
  }

  private static void delete(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    try {
      Files.walkFileTree(path, new SimpleFileVisitor<>() {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
          Files.delete(file);
          return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e) throws IOException {
          Files.delete(folder);
          return FileVisitResult.CONTINUE;
        }
      });
    } catch (IOException e) {
      throw failure(path, e);
    }
  }
}
