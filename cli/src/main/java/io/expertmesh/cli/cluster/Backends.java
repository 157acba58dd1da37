package io.expertmesh.cli.cluster;

import io.expertmesh.model.device.CpuDevices;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What computes the experts of each of a cluster's expert processes. The processes take the names in turn: the replicas
 * of group 0 first, then those of group 1, and so on. Those that are not on the CPU take the devices in turn.
 *
 * @param names such as {@code cpu}, {@code tornado}; at least one
 * @param devices may be empty, for the backends' own choice
 */
public record Backends(List<String> names, List<String> devices) {
  public static final Backends CPU = new Backends(List.of(CpuDevices.NAME), List.of());

  public Backends {
    names = List.copyOf(names);
    devices = List.copyOf(devices);
  }

  /** The name for process {@code index}. */
  String name(int index) {
    return names.get(index % names.size());
  }

  /** Options of process {@code index}. */
  List<String> options(int index) {
    String name = name(index);
    List<String> options = new ArrayList<>(List.of("--backend", name));
    if (!name.equals(CpuDevices.NAME) && !devices.isEmpty()) {
      long before = IntStream.range(0, index).filter(i -> !name(i).equals(CpuDevices.NAME)).count();
      options.addAll(List.of("--device", devices.get(Math.toIntExact(before % devices.size()))));
    }
    return options;
  }
}
