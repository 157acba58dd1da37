package io.expertmesh.router.admin;

import io.expertmesh.proto.v1.AdminServiceGrpc.AdminServiceImplBase;
import io.expertmesh.proto.v1.DrainRequest;
import io.expertmesh.proto.v1.DrainResponse;
import io.expertmesh.proto.v1.GetStateRequest;
import io.expertmesh.proto.v1.GetStateResponse;
import io.expertmesh.proto.v1.MoveExpertsRequest;
import io.expertmesh.proto.v1.MoveExpertsResponse;
import io.expertmesh.proto.v1.PlanRequest;
import io.expertmesh.proto.v1.PlanResponse;
import io.expertmesh.proto.v1.SetTrafficRequest;
import io.expertmesh.proto.v1.SetTrafficResponse;
import io.expertmesh.proto.v1.UndrainRequest;
import io.expertmesh.proto.v1.UndrainResponse;
import io.expertmesh.transport.StatusMapping;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** {@link Admin} over gRPC. */
public final class AdminEndpoint extends AdminServiceImplBase {
  private final Admin admin;

  public AdminEndpoint(Admin admin) {
    this.admin = admin;
  }

  @Override
  public void getState(GetStateRequest request, StreamObserver<GetStateResponse> caller) {
    answer(admin.getState(request), caller);
  }

  @Override
  public void drain(DrainRequest request, StreamObserver<DrainResponse> caller) {
    answer(admin.drain(request), caller);
  }

  @Override
  public void undrain(UndrainRequest request, StreamObserver<UndrainResponse> caller) {
    answer(admin.undrain(request), caller);
  }

  @Override
  public void plan(PlanRequest request, StreamObserver<PlanResponse> caller) {
    answer(admin.plan(request), caller);
  }

  @Override
  public void moveExperts(MoveExpertsRequest request, StreamObserver<MoveExpertsResponse> caller) {
    answer(admin.moveExperts(request), caller);
  }

  @Override
  public void setTraffic(SetTrafficRequest request, StreamObserver<SetTrafficResponse> caller) {
    answer(admin.setTraffic(request), caller);
  }

  private static <T> void answer(CompletableFuture<T> answer, StreamObserver<T> caller) {
    var _ = answer.whenComplete((value, failure) -> {
      if (failure == null) {
        caller.onNext(value);
        caller.onCompleted();
      } else {
        Throwable cause = failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
        caller.onError(StatusMapping.toStatus(cause));
      }
    });
  }
}
