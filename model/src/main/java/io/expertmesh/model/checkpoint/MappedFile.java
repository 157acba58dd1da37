package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps whole files for reading. */
final class MappedFile {
  private MappedFile() {}

  /** All bytes of {@code file}, read-only; the mapping lives as long as the segment or a slice of it is reachable. */
  static MemorySegment map(Path file) {
    if (Files.isDirectory(file)) {
      throw InvalidCheckpoint.in(file, "is a folder where a file is expected");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
    } catch (NoSuchFileException e) {
      throw new FailureException(FailureCategory.NOT_FOUND, file + ": no such file", e);
    } catch (IOException e) {
      throw InvalidCheckpoint.in(file, "cannot be read (" + IoReason.of(e) + ")", e);
    }
  }
}
