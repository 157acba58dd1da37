package io.expertmesh.model.device;

import java.util.List;

/** A way of computing experts, found by {@link java.util.ServiceLoader}: what {@code --backend} names. */
public interface ExpertDeviceProvider {
  /** Such as {@code cpu} or {@code tornado}. */
  String name();

  /** Whether its devices give the bits that {@code --numerics exact} promises. */
  boolean exact();

  /**
   * The devices that can be opened here, at least one.
   *
   * @throws io.expertmesh.model.failure.FailureException UNAVAILABLE if there is none, with the reason and what to do
   */
  List<DeviceDescription> devices();

  /**
   * Opens a device for this process alone.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_REQUEST if there is no such device, or it cannot
   *     compute this model; UNAVAILABLE if it does not work
   */
  ExpertDevice open(DeviceRequest request);
}
