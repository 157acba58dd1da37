package io.expertmesh.router.control;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashSet;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/**
 * The ids of the processes that operators drained, also of those that are away for a moment. A process that is started
 * anew has a new id and is not drained.
 */
final class DrainedProcesses {
  /** Ids of processes that are long gone are forgotten one by one. */
  private static final int MAX_REMEMBERED = 10_000;

  private final @Nullable Path file;
  private final SequencedSet<String> ids = new LinkedHashSet<>();

  /**
   * @param file one id a line; read now and written with every change
   * @throws FailureException INVALID_REQUEST if it cannot be read
   */
  DrainedProcesses(@Nullable Path file) {
    this.file = file;
    try {
      if (file != null && Files.exists(file)) {
        Files.readAllLines(file).stream().map(String::strip).filter(line -> !line.isEmpty()).forEach(ids::add);
      }
    } catch (IOException unreadable) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The state file %s cannot be read: %s".formatted(file, IoReason.of(unreadable)), unreadable);
    }
  }

  boolean contains(String id) {
    return ids.contains(id);
  }

  /** @throws FailureException UNAVAILABLE if that cannot be stored; then nothing changes */
  void set(String id, boolean drained) {
    if (drained == ids.contains(id)) {
      return;
    }
    SequencedSet<String> before = new LinkedHashSet<>(ids);
    if (drained) {
      ids.add(id);
    } else {
      ids.remove(id);
    }
    if (ids.size() > MAX_REMEMBERED) {
      ids.removeFirst();
    }
    try {
      store();
    } catch (IOException unwritable) {
      ids.clear();
      ids.addAll(before);
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "The state file %s cannot be written: %s".formatted(file, IoReason.of(unwritable)), unwritable);
    }
  }

  private void store() throws IOException {
    if (file != null) {
      Path whole = file.resolveSibling(file.getFileName() + ".new");
      Files.write(whole, ids);
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
