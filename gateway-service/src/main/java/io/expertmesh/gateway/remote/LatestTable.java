package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.RoutingTable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The last table, kept for those who follow it. */
final class LatestTable {
  private final List<Consumer<RoutingTable>> followers = new ArrayList<>();
  private @Nullable RoutingTable latest;

  synchronized void follow(Consumer<RoutingTable> follower) {
    followers.add(follower);
    if (latest != null) {
      follower.accept(latest);
    }
  }

  synchronized void publish(RoutingTable table) {
    latest = table;
    followers.forEach(follower -> follower.accept(table));
  }
}
