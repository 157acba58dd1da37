package io.expertmesh.tornado;

import io.expertmesh.model.device.DeviceDescription;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/**
 * A device of a TornadoVM backend.
 *
 * @param index among the devices that {@link TornadoDevices} lists
 */
record DeviceAccess(int index, TornadoVMBackendType backend, TornadoDevice device) {
  private static final Pattern CAPABILITY = Pattern.compile("Device version\\s*: CUDA (\\d+)\\.");
  private static final String POCL = "Portable Computing Language";

  DeviceDescription description() {
    String kind = switch (device.getDeviceType()) {
      case CPU -> "cpu";
      case GPU -> "gpu";
      default -> "accelerator";
    };
    return new DeviceDescription(index, device.getPhysicalDevice().getDeviceName(), kind, driver(), memoryBytes());
  }

  /** Such as {@code opencl}. */
  String driver() {
    return backend.name().toLowerCase(Locale.ROOT);
  }

  /** Whether there are tensor cores that TornadoVM knows: NVIDIA's from compute capability 8 on, with CUDA. */
  boolean hasTensorCores() {
    Matcher version = CAPABILITY.matcher(device.getPhysicalDevice().getDeviceInfo());
    return backend == TornadoVMBackendType.CUDA && version.find() && Integer.parseInt(version.group(1)) >= 8;
  }

  /** What experts can take: the driver and compiled code need some of the memory too. */
  long memoryBytes() {
    long memory = device.getMaxGlobalMemory();
    return Math.min(memory - memory / 32, TornadoSettings.memoryBytes());
  }

  /** Bytes of one array at most. */
  long arrayBytes() {
    return Math.min(device.getMaxAllocMemory(), memoryBytes());
  }

  /** A plan that runs on this device alone. */
  TornadoExecutionPlan plan(List<ImmutableTaskGraph> graphs) {
    TornadoExecutionPlan plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new)).withDevice(device);
    return backend == TornadoVMBackendType.OPENCL
        ? plan.withCompilerFlags(TornadoVMBackendType.OPENCL, compilerFlags())
        : plan;
  }

  /** Without TornadoVM's -cl-fast-relaxed-math: results stay within the tolerance. PoCL calls its half another name. */
  private String compilerFlags() {
    return device.getPlatformName().contains(POCL) ? "-cl-mad-enable -w -Dhalf=_Float16" : "-cl-mad-enable -w";
  }
}
