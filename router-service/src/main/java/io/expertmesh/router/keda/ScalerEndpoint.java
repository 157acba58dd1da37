package io.expertmesh.router.keda;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc.ExternalScalerImplBase;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc.ExternalScalerStub;
import io.expertmesh.proto.externalscaler.GetMetricSpecResponse;
import io.expertmesh.proto.externalscaler.GetMetricsRequest;
import io.expertmesh.proto.externalscaler.GetMetricsResponse;
import io.expertmesh.proto.externalscaler.IsActiveResponse;
import io.expertmesh.proto.externalscaler.MetricSpec;
import io.expertmesh.proto.externalscaler.MetricValue;
import io.expertmesh.proto.externalscaler.ScaledObjectRef;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.StatusMapping;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * KEDA's external scaler, for one group of experts or the gateways per ScaledObject. KEDA asks any of several routers; those that do not
 * lead ask the one that does.
 */
public final class ScalerEndpoint extends ExternalScalerImplBase implements AutoCloseable {
  /** How soon KEDA hears that a group is wanted. */
  public static final Duration PERIOD = Duration.ofMillis(250);
  /** In the metadata of a question that a router has passed on, so that it is not passed on again. */
  private static final String PASSED_ON = "passedOn";

  private static final class Listener {
    final ScaledObjectRef group;
    final StreamObserver<IsActiveResponse> stream;
    final AtomicBoolean asking = new AtomicBoolean();
    volatile @Nullable Boolean said;

    Listener(ScaledObjectRef group, StreamObserver<IsActiveResponse> stream) {
      this.group = group;
      this.stream = stream;
    }
  }

  private final ControlSession control;
  private final LeadingScaler leader;
  private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();

  /**
   * @param leader host:port of the scaler of the router that leads; null while nobody knows
   * @param security of that connection
   */
  public ScalerEndpoint(ControlSession control, Supplier<@Nullable String> leader, LinkSecurity security) {
    this.control = control;
    this.leader = new LeadingScaler(leader, security);
  }

  @Override
  public void isActive(ScaledObjectRef group, StreamObserver<IsActiveResponse> caller) {
    answer(active(group), caller);
  }

  private CompletableFuture<IsActiveResponse> active(ScaledObjectRef ref) {
    return ask(ref, reading -> IsActiveResponse.newBuilder().setResult(reading.active()).build(),
        (router, answer) -> router.isActive(passedOn(ref), answer));
  }

  @Override
  public void streamIsActive(ScaledObjectRef group, StreamObserver<IsActiveResponse> caller) {
    try {
      Scaled.of(group.getScalerMetadataMap());
    } catch (FailureException wrong) {
      caller.onError(StatusMapping.toStatus(wrong));
      return;
    }
    Listener listener = new Listener(group, caller);
    ((ServerCallStreamObserver<IsActiveResponse>) caller).setOnCancelHandler(() -> listeners.remove(listener));
    listeners.add(listener);
    look(listener);
  }

  /** Tells those who listen what has changed; to be called every {@link #PERIOD}. */
  public void look() {
    listeners.forEach(this::look);
  }

  private void look(Listener listener) {
    if (listener.asking.compareAndSet(false, true)) {
      var _ = active(listener.group).whenComplete((answer, failure) -> {
        if (failure == null && !Boolean.valueOf(answer.getResult()).equals(listener.said)) {
          listener.said = answer.getResult();
          listener.stream.onNext(answer);
        }
        listener.asking.set(false);
      });
    }
  }

  @Override
  public void getMetricSpec(ScaledObjectRef ref, StreamObserver<GetMetricSpecResponse> caller) {
    try {
      GetMetricSpecResponse.Builder specs = GetMetricSpecResponse.newBuilder();
      for (Scaled.Gauge gauge : Scaled.of(ref.getScalerMetadataMap()).targets()) {
        specs.addMetricSpecs(MetricSpec.newBuilder().setMetricName(gauge.metric())
            .setTargetSize((long) Math.ceil(gauge.target())).setTargetSizeFloat(gauge.target()));
      }
      caller.onNext(specs.build());
      caller.onCompleted();
    } catch (FailureException wrong) {
      caller.onError(StatusMapping.toStatus(wrong));
    }
  }

  @Override
  public void getMetrics(GetMetricsRequest request, StreamObserver<GetMetricsResponse> caller) {
    answer(ask(request.getScaledObjectRef(), reading -> metric(request.getMetricName(), reading),
        (router, answer) -> router.getMetrics(
            request.toBuilder().setScaledObjectRef(passedOn(request.getScaledObjectRef())).build(), answer)),
        caller);
  }

  private static GetMetricsResponse metric(String name, Scaled.Reading reading) {
    double value = reading.gauges().stream().filter(gauge -> gauge.metric().equals(name)).findFirst()
        .orElseThrow(() -> new FailureException(FailureCategory.NOT_FOUND, "There is no metric '%s'.".formatted(name)))
        .value();
    return GetMetricsResponse.newBuilder()
        .addMetricValues(MetricValue.newBuilder().setMetricName(name).setMetricValue((long) Math.ceil(value))
            .setMetricValueFloat(value))
        .build();
  }

  private <A> CompletableFuture<A> ask(ScaledObjectRef ref, Function<Scaled.Reading, A> here,
      BiConsumer<ExternalScalerStub, StreamObserver<A>> there) {
    CompletableFuture<A> answer = new CompletableFuture<>();
    control.execute(plane -> {
      try {
        Scaled scaled = Scaled.of(ref.getScalerMetadataMap());
        if (plane != null) {
          answer.complete(here.apply(scaled.read(plane)));
        } else if (ref.containsScalerMetadata(PASSED_ON)) {
          answer.completeExceptionally(ControlSession.notLeading().asRuntimeException());
        } else {
          leader.ask(there, answer);
        }
      } catch (RuntimeException failure) {
        answer.completeExceptionally(failure);
      }
    });
    return answer;
  }

  private static ScaledObjectRef passedOn(ScaledObjectRef ref) {
    return ref.toBuilder().putScalerMetadata(PASSED_ON, "true").build();
  }

  private static <A> void answer(CompletableFuture<A> answer, StreamObserver<A> caller) {
    var _ = answer.whenComplete((value, failure) -> {
      if (failure == null) {
        caller.onNext(value);
        caller.onCompleted();
      } else {
        caller.onError(StatusMapping.toStatus(failure));
      }
    });
  }

  @Override
  public void close() {
    leader.close();
  }
}
