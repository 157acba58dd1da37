package io.expertmesh.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The machine that a measurement ran on.
 *
 * @param cpu its name as the operating system gives it
 * @param cores logical cores that this process may use
 * @param flags instruction sets that kernels could use, sorted
 */
record Machine(String cpu, int cores, List<String> flags, String os, String java) {
  private static final Set<String> FLAGS_OF_INTEREST = Set.of("avx2", "fma", "f16c", "avx512f", "avx512bw",
      "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
      "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2");

  static Machine current() {
    String name = System.getProperty("os.arch");
    Set<String> flags = new TreeSet<>();
    Path cpuinfo = Path.of("/proc/cpuinfo");
    if (Files.isReadable(cpuinfo)) {
      for (String line : lines(cpuinfo)) {
        int colon = line.indexOf(':');
        if (colon < 0) {
          continue;
        }
        String key = line.substring(0, colon).strip();
        String value = line.substring(colon + 1).strip();
        if (key.equals("model name")) {
          name = value;
        } else if (key.equals("flags") || key.equals("Features")) {
          flags.addAll(List.of(value.split(" ")));
        }
      }
      flags.retainAll(FLAGS_OF_INTEREST);
    } else if (System.getProperty("os.name").startsWith("Mac")) {
      name = output("sysctl", "-n", "machdep.cpu.brand_string");
    }
    return new Machine(name, Runtime.getRuntime().availableProcessors(), List.copyOf(flags),
        System.getProperty("os.name") + " " + System.getProperty("os.version"), Runtime.version().toString());
  }

  /** The most memory that this process has had resident so far, in bytes; null where the system does not say. */
  static @Nullable Long peakResidentBytes() {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return null;
    }
    for (String line : lines(status)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
      }
    }
    return null;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException unreadable) {
      return List.of();
    }
  }

  private static String output(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException missing) {
      return System.getProperty("os.arch");
    }
  }
}
