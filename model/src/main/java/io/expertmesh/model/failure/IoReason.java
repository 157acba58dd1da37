package io.expertmesh.model.failure;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Why reading or writing failed, for messages that name the file themselves. */
public final class IoReason {
  private IoReason() {}

  /** Java's own messages are often nothing but the path. */
  public static String of(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException missing -> "no such file or folder";
      case FileSystemException other when other.getReason() != null -> other.getReason();
      default -> failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    };
  }
}
