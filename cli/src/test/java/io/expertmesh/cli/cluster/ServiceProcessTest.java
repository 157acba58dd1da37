package io.expertmesh.cli.cluster;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ServiceProcessTest {
  private static ServiceProcess shell(String script) {
    return new ServiceProcess("gateway-0", _ -> List.of("sh", "-c", script), true, _ -> {});
  }

  @Test
  void aServiceThatDoesNotStartSaysWhyInOneLine() {
    try (ServiceProcess process = shell("""
        echo 'INFO starting' >&2
        echo 'expertmesh: Port 8080 on 127.0.0.1 is in use: stop what listens there.' >&2
        exit 2""")) {
      assertThatThrownBy(() -> process.firstReady().get(20, TimeUnit.SECONDS)).rootCause().hasMessage(
          "gateway-0 did not start (exit code 2): Port 8080 on 127.0.0.1 is in use: stop what listens there.");
    }
  }

  @Test
  void oneThatEndsWithoutAWordHasAnExitCode() {
    try (ServiceProcess process = shell("exit 7")) {
      assertThatThrownBy(() -> process.firstReady().get(20, TimeUnit.SECONDS)).rootCause()
          .hasMessage("gateway-0 did not start (exit code 7): it said nothing");
    }
  }
}
