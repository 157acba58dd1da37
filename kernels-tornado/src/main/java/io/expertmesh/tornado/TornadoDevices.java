package io.expertmesh.tornado;

import io.expertmesh.model.device.DeviceDescription;
import io.expertmesh.model.device.DeviceRequest;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertDeviceProvider;
import io.expertmesh.model.device.ExpertDevices;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices that TornadoVM finds. */
public final class TornadoDevices implements ExpertDeviceProvider {
  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public boolean exact() {
    return false;
  }

  @Override
  public List<DeviceDescription> devices() {
    return all().stream().map(DeviceAccess::description).toList();
  }

  @Override
  public ExpertDevice open(DeviceRequest request) {
    List<DeviceAccess> all = all();
    DeviceDescription chosen = ExpertDevices.choose(all.stream().map(DeviceAccess::description).toList(),
        request.device());
    return new TornadoExperts(all.get(chosen.index()), request.maxRows());
  }

  /** Of all backends, in TornadoVM's order; at least one. */
  static List<DeviceAccess> all() {
    TornadoSettings.apply();
    List<DeviceAccess> devices = new ArrayList<>();
    try {
      TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
      for (int i = 0; i < runtime.getNumBackends(); i++) {
        TornadoBackend backend = runtime.getBackend(i);
        for (int j = 0; j < backend.getNumDevices(); j++) {
          devices.add(new DeviceAccess(devices.size(), backend.getBackendType(), backend.getDevice(j)));
        }
      }
    } catch (RuntimeException | LinkageError failure) {
      throw unavailable("TornadoVM did not start: " + deepestCause(failure), failure);
    }
    if (devices.isEmpty()) {
      throw unavailable("TornadoVM found no device", null);
    }
    return devices;
  }

  private static Throwable deepestCause(Throwable failure) {
    Throwable deepest = failure;
    for (Throwable cause = deepest.getCause(); cause != null; cause = cause.getCause()) {
      deepest = cause;
    }
    return deepest;
  }

  private static FailureException unavailable(String what, @Nullable Throwable cause) {
    String message = """
        %s. It needs the java options of a TornadoVM SDK, which the launcher adds, a driver of the SDK's backend \
        (OpenCL or CUDA), and a device: see 'expertmesh inspect --devices', or use --backend cpu""".formatted(what);
    return cause == null
        ? new FailureException(FailureCategory.UNAVAILABLE, message)
        : new FailureException(FailureCategory.UNAVAILABLE, message, cause);
  }
}
