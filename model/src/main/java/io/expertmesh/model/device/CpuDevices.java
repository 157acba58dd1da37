package io.expertmesh.model.device;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.decoder.ProcessKernels;
import java.util.List;

/** The cores of this machine, as one device. */
public final class CpuDevices implements ExpertDeviceProvider {
  public static final String NAME = "cpu";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean exact() {
    return true;
  }

  @Override
  public List<DeviceDescription> devices() {
    Kernels kernels = ProcessKernels.promising(Numerics.FAST);
    return List.of(new DeviceDescription(0, Runtime.getRuntime().availableProcessors() + " cores", "cpu",
        kernels.name(), 0));
  }

  @Override
  public ExpertDevice open(DeviceRequest request) {
    ExpertDevices.choose(devices(), request.device());
    return new CpuExperts(ProcessKernels.promising(request.numerics()), request.pool());
  }
}
