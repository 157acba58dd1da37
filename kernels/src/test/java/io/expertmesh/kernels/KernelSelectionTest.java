package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The choice is made once per process, so each case is a process of its own. */
@Timeout(60)
class KernelSelectionTest {
  private static final String MODULE = "--add-modules=jdk.incubator.vector";

  /** What the child process runs. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      System.out.println("chosen: " + KernelSelection.kernels().name());
    }
  }

  private record Ended(int exitCode, String output) {}

  private static Ended choose(String... jvmOptions) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx64m", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of(jvmOptions));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), output);
  }

  private static void assertChosen(Ended ended, String name) {
    assertThat(ended.output()).contains("chosen: " + name).contains("kernels: " + name);
    assertThat(ended.exitCode()).isZero();
  }

  private static void assertRefused(Ended ended, String... parts) {
    assertThat(ended.output()).contains(parts).doesNotContain("chosen:");
    assertThat(ended.exitCode()).isNotZero();
  }

  @Test
  void widestByDefault() throws Exception {
    assertChosen(choose(MODULE), "vector-" + Math.min(512, VectorKernels.widestBits()));
  }

  @Test
  void followsTheCpu() throws Exception {
    assertChosen(choose(MODULE, "-XX:MaxVectorSize=16"), "vector-128");
  }

  @Test
  void forced() throws Exception {
    assertChosen(choose(MODULE, "-Dexpertmesh.kernels=vector-128"), "vector-128");
    assertChosen(choose(MODULE, "-Dexpertmesh.kernels=scalar"), "scalar");
    assertChosen(choose("-Dexpertmesh.kernels=scalar"), "scalar");
  }

  @Test
  void scalarWithAWarningWithoutTheModule() throws Exception {
    Ended ended = choose();
    assertChosen(ended, "scalar");
    assertThat(ended.output()).contains("WARNING", "--add-modules jdk.incubator.vector");
  }

  @Test
  void forcedVectorsWithoutTheModule() throws Exception {
    assertRefused(choose("-Dexpertmesh.kernels=vector-128"), "vector-128", "--add-modules jdk.incubator.vector");
  }

  @Test
  void widerThanTheCpu() throws Exception {
    assertRefused(choose(MODULE, "-XX:MaxVectorSize=16", "-Dexpertmesh.kernels=vector-256"), "vector-256",
        "this CPU's vectors have 128 bits");
  }

  @Test
  void unknownName() throws Exception {
    assertRefused(choose(MODULE, "-Dexpertmesh.kernels=avx"), "-Dexpertmesh.kernels=avx", "scalar, vector-128");
    assertRefused(choose(MODULE, "-Dexpertmesh.kernels=vector-64"), "vector-64");
    assertRefused(choose(MODULE, "-Dexpertmesh.kernels=VECTOR-256x"), "VECTOR-256x");
  }
}
