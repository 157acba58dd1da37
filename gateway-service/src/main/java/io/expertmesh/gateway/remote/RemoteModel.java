package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.experts.ExpertClientFactory;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Role;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens a model whose experts are in the processes of a routing table. */
public final class RemoteModel implements ExpertClientFactory, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RemoteModel.class);

  private final String gateway;
  private final RemoteSettings settings;
  private final RoutingTables tables;
  private final LinkSecurity security;
  private @Nullable RemoteExperts experts;
  private @Nullable ModelFingerprint fingerprint;

  /**
   * @param gateway this gateway's name
   * @param tables closed with this
   */
  public RemoteModel(String gateway, RemoteSettings settings, RoutingTables tables, LinkSecurity security) {
    this.gateway = gateway;
    this.settings = settings;
    this.tables = tables;
    this.security = security;
  }

  /**
   * The table of the routers at these addresses.
   *
   * @param file keeps the last table; null for none
   */
  public static RoutingTables routers(String gateway, List<String> addresses, @Nullable Path file,
      LinkSecurity security) {
    return RoutingTableWatch.start(gateway, addresses, file,
        (address, executor) -> Channels.open(address, Role.ROUTER, security, executor));
  }

  /** The expert processes at these addresses, without a router. */
  public static RoutingTables experts(List<String> addresses, LinkSecurity security) {
    return FixedReplicas.start(addresses,
        (address, executor) -> Channels.open(address, Role.EXPERT, security, executor));
  }

  @Override
  public ExpertClient open(Architecture model, ModelFingerprint wanted) {
    fingerprint = wanted;
    experts = RemoteExperts.start(gateway, wanted, model.hiddenSize(), settings, tables,
        endpoint -> Channels.open(endpoint, Role.EXPERT, security, Runnable::run));
    return experts;
  }

  /** For another version of the model, whose experts are in the same table. It is closed before this one. */
  public RemoteModel beside() {
    RoutingTables shared = new RoutingTables() {
      @Override
      public void follow(Consumer<RoutingTable> follower) {
        tables.follow(follower);
      }

      @Override
      public void want(Object asker, Set<Integer> experts) {
        tables.want(asker, experts);
      }

      @Override
      public void refuse(Object asker, Map<String, String> reasons) {
        tables.refuse(asker, reasons);
      }

      @Override
      public void close() {
        // They are the other's.
      }
    };
    return new RemoteModel(gateway, settings, shared, security);
  }

  /** The table that the experts follow. */
  public RoutingTables tables() {
    return tables;
  }

  /** The experts; open first. */
  public RemoteExperts experts() {
    if (experts == null) {
      throw new IllegalStateException("the model is not open");
    }
    return experts;
  }

  /** What the experts are; open first. */
  public ModelFingerprint fingerprint() {
    if (fingerprint == null) {
      throw new IllegalStateException("the model is not open");
    }
    return fingerprint;
  }

  /**
   * Waits, within the configured time, until every expert has a replica. If only some have, the gateway can start: it
   * serves what needs no other.
   *
   * @throws FailureException UNAVAILABLE if none has
   */
  public void awaitExperts() throws InterruptedException {
    if (experts().awaitAll(settings.startTimeout())) {
      return;
    }
    Set<Integer> missing = experts().unavailable();
    List<String> refusals = experts().refusals();
    if (missing.size() == fingerprint().expertDigests().size() && !refusals.isEmpty()) {
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "no expert process that is there can be used: " + String.join("; ", refusals));
    }
    if (missing.size() == fingerprint().expertDigests().size()) {
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "no expert could be reached in %d s: start expert processes of this model and the router that they register with, or raise expertmesh.experts.start-timeout"
              .formatted(settings.startTimeout().toSeconds()));
    }
    log.warn("Serving without the experts {}: no replica of them was found in {} s{}",
        missing.stream().sorted().toList(),
        settings.startTimeout().toSeconds(), refusals.isEmpty() ? "" : "; " + String.join("; ", refusals));
  }

  /** Disconnects. */
  @Override
  public void close() {
    tables.close();
    if (experts != null) {
      experts.close();
    }
  }
}
