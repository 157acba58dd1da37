package io.expertmesh.tornado;

import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.failure.FailureException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** The device that tests run on: the first that TornadoVM finds. */
final class TestDevice {
  private static @Nullable List<DeviceAccess> devices;

  private TestDevice() {}

  /** Skips the test, and says so, if there is no device. */
  static synchronized DeviceAccess first() {
    if (devices == null) {
      try {
        devices = TornadoDevices.all();
        System.out.println("TornadoVM tests run on " + devices.getFirst().description());
      } catch (FailureException none) {
        System.out.println("TornadoVM tests are SKIPPED: " + none.getMessage());
        devices = List.of();
      }
    }
    Assumptions.assumeFalse(devices.isEmpty(), "no device");
    return devices.getFirst();
  }

  static ExpertDevice open(int maxRows) {
    return new TornadoExperts(first(), maxRows);
  }
}
