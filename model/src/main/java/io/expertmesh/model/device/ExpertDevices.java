package io.expertmesh.model.device;

import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.failure.FailureException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The ways of computing experts that this program has. */
public final class ExpertDevices {
  private ExpertDevices() {}

  /** By name. */
  public static List<ExpertDeviceProvider> providers() {
    return ServiceLoader.load(ExpertDeviceProvider.class).stream().map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparing(ExpertDeviceProvider::name)).toList();
  }

  /** The provider {@code backend}, if this program has it. */
  public static Optional<ExpertDeviceProvider> provider(String backend) {
    return providers().stream().filter(provider -> provider.name().equals(backend)).findFirst();
  }

  /**
   * Opens a device.
   *
   * @param backend a provider's name
   * @throws FailureException INVALID_REQUEST if there is no such provider or device, or it does not promise what is
   *     asked for; UNAVAILABLE if the device does not work
   */
  public static ExpertDevice open(String backend, DeviceRequest request) {
    ExpertDeviceProvider provider = provider(backend).orElseThrow(() -> missing(backend));
    requireExact(backend, provider.exact(), request.numerics());
    return provider.open(request);
  }

  /**
   * @param exact whether the backend is
   * @throws FailureException INVALID_REQUEST if {@code numerics} promises what the backend does not
   */
  public static void requireExact(String backend, boolean exact, Numerics numerics) {
    if (numerics == Numerics.EXACT && !exact) {
      throw FailureException.invalidParameter("--numerics", """
          --numerics exact promises bits that --backend %s does not give: leave out --numerics exact, or use \
          --backend cpu""".formatted(backend));
    }
  }

  private static FailureException missing(String backend) {
    String there = providers().stream().map(ExpertDeviceProvider::name).collect(Collectors.joining(", "));
    return FailureException.invalidParameter("--backend", """
        --backend is '%s'; this program has %s. The launcher adds tornado where it finds a TornadoVM SDK: \
        see 'expertmesh inspect --devices'""".formatted(backend, there));
  }

  /**
   * The one of {@code devices} that {@code wanted} means: its index, or a part of its name in any case.
   *
   * @param wanted null for the first GPU, or the first device where there is none
   * @throws FailureException INVALID_REQUEST if there is none, or more than one
   */
  public static DeviceDescription choose(List<DeviceDescription> devices, @Nullable String wanted) {
    if (wanted == null) {
      return devices.stream().filter(device -> device.kind().equals("gpu")).findFirst().orElse(devices.getFirst());
    }
    List<DeviceDescription> matching = devices.stream().filter(device -> matches(device, wanted)).toList();
    if (matching.size() != 1) {
      throw FailureException.invalidParameter("--device", "--device is '%s'; %s of the devices is that: %s".formatted(
          wanted, matching.isEmpty() ? "none" : "more than one", devices.stream()
              .map(device -> device.index() + " " + device.name()).collect(Collectors.joining(", "))));
    }
    return matching.getFirst();
  }

  private static boolean matches(DeviceDescription device, String wanted) {
    return wanted.matches("\\d{1,4}")
        ? device.index() == Integer.parseInt(wanted)
        : (device.driver() + " " + device.name()).toLowerCase(Locale.ROOT).contains(wanted.toLowerCase(Locale.ROOT));
  }
}
