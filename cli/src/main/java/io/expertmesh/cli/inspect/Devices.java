package io.expertmesh.cli.inspect;

import io.expertmesh.model.device.DeviceDescription;
import io.expertmesh.model.device.ExpertDeviceProvider;
import io.expertmesh.model.device.ExpertDevices;
import io.expertmesh.model.failure.FailureException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What can compute experts on this machine. */
public record Devices(List<Backend> backends) {
  /** Why the launcher has not added TornadoVM, as the launcher says it. */
  private static final String ABSENT = "expertmesh.tornado.absent";
  private static final String TORNADO = "tornado";

  /**
   * @param name what {@code --backend} takes
   * @param exact whether it can promise {@code --numerics exact}
   * @param devices that {@code --device} chooses from
   * @param problem why there are none, and what to do; null if there are
   */
  public record Backend(String name, boolean exact, List<DeviceDescription> devices, @Nullable String problem) {}

  /** Asks every backend of this program. */
  public static Devices ofThisMachine() {
    List<Backend> backends = new ArrayList<>();
    for (ExpertDeviceProvider provider : ExpertDevices.providers()) {
      backends.add(backend(provider));
    }
    if (backends.stream().noneMatch(backend -> backend.name().equals(TORNADO))) {
      backends.add(new Backend(TORNADO, false, List.of(), System.getProperty(ABSENT,
          "this program was not started by its launcher, which adds TornadoVM: ./expertmesh inspect --devices")));
    }
    return new Devices(backends);
  }

  private static Backend backend(ExpertDeviceProvider provider) {
    try {
      return new Backend(provider.name(), provider.exact(), provider.devices(), null);
    } catch (FailureException none) {
      return new Backend(provider.name(), provider.exact(), List.of(), none.getMessage());
    }
  }

  /** A line for each device. */
  public void print(PrintWriter out) {
    for (Backend backend : backends) {
      for (DeviceDescription device : backend.devices()) {
        out.printf(Locale.ROOT, "%-9s %d  %s (%s, %s%s)%n", backend.name(), device.index(), device.name(),
            device.kind(),
            device.driver(), device.memoryBytes() == 0
                ? ""
                : ", %.1f GiB".formatted(device.memoryBytes() / (double) (1L << 30)));
      }
      if (backend.problem() != null) {
        out.printf("%-9s none: %s%n", backend.name(), backend.problem());
      }
    }
  }
}
