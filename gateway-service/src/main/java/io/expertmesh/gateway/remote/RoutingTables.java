package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.GatewayLoad;
import io.expertmesh.proto.v1.RoutingTable;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Where a gateway hears which replicas there are. */
public interface RoutingTables extends AutoCloseable {
  /**
   * Calls {@code follower} with the table, as soon as one is known, and with every later one, one at a time. A follower
   * routes by the table when it returns.
   */
  void follow(Consumer<RoutingTable> follower);

  /** Says which experts without a replica requests of {@code asker} wait for; an empty set when none does any more. */
  default void want(Object asker, Set<Integer> experts) {
    // Where there is no router nobody starts replicas.
  }

  /** Says which processes of the table {@code asker} does not use, by id, and why. */
  default void refuse(Object asker, Map<String, String> reasons) {
    // Where there is no router nobody waits for a process to be used.
  }

  /** Says from now on how busy this gateway is. */
  default void report(Supplier<GatewayLoad> load) {
    // Where there is no router nobody asks.
  }

  @Override
  void close();
}
