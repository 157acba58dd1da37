package io.expertmesh.model.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class IoReasonTest {
  @Test
  void saysWhyAndNotTheWay() {
    assertThat(IoReason.of(new AccessDeniedException("/models/config.json"))).isEqualTo("permission denied");
    assertThat(IoReason.of(new NoSuchFileException("/models/config.json"))).isEqualTo("no such file or folder");
    assertThat(IoReason.of(new FileSystemException("/models", null, "Not a directory"))).isEqualTo("Not a directory");
    assertThat(IoReason.of(new IOException("No space left on device"))).isEqualTo("No space left on device");
    assertThat(IoReason.of(new IOException())).isEqualTo("IOException");
  }
}
