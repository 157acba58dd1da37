package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How processes end, seen from outside. */
@Timeout(60)
class StopSignalTest {
  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void killAll() {
    started.forEach(Process::destroyForcibly);
  }

  private Process start(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java"), "-Xmx256m",
        "--add-modules=jdk.incubator.vector", "-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    started.add(process);
    return process;
  }

  private static int exitCode(Process process) throws InterruptedException {
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("it ends").isTrue();
    return process.exitValue();
  }

  @Test
  void aServiceThatIsToldToStopEndsWithZero() throws Exception {
    Process router = start("router", "--port", "0", "--http-port", "0");
    try (BufferedReader out = router.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).contains("\"pid\"");
      router.destroy();
      assertThat(exitCode(router)).isZero();
    }
  }

  @Test
  void aGatewayThatWaitsForExpertsEndsWithItsStandardInput() throws Exception {
    Process gateway = start("gateway", "--stop-with-stdin", "--router", "127.0.0.1:1", "--model", "../models/demo");
    gateway.getOutputStream().close();
    assertThat(exitCode(gateway)).isZero();
  }
}
