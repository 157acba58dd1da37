package io.expertmesh.router.admin;

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
import io.expertmesh.router.control.ControlSession;
import java.util.concurrent.CompletableFuture;

/** What operators can ask for, whichever way they ask. Every answer fails with UNAVAILABLE if the router does not lead. */
public final class Admin {
  private final ControlSession control;

  public Admin(ControlSession control) {
    this.control = control;
  }

  public CompletableFuture<GetStateResponse> getState(GetStateRequest request) {
    return control.ask(plane -> plane.state());
  }

  public CompletableFuture<DrainResponse> drain(DrainRequest request) {
    return control.ask(plane -> {
      plane.drain(request.getProcess(), true);
      return DrainResponse.getDefaultInstance();
    });
  }

  public CompletableFuture<UndrainResponse> undrain(UndrainRequest request) {
    return control.ask(plane -> {
      plane.drain(request.getProcess(), false);
      return UndrainResponse.getDefaultInstance();
    });
  }

  public CompletableFuture<PlanResponse> plan(PlanRequest request) {
    return control.askLater(plane -> plane.plan(request));
  }

  public CompletableFuture<MoveExpertsResponse> moveExperts(MoveExpertsRequest request) {
    return control.askLater(plane -> plane.move(request.getMovesList()))
        .thenApply(version -> MoveExpertsResponse.newBuilder().setVersion(version).build());
  }

  public CompletableFuture<SetTrafficResponse> setTraffic(SetTrafficRequest request) {
    return control.ask(plane -> SetTrafficResponse.newBuilder()
        .setVersion(plane.setTraffic(request.getTrafficList()))
        .build());
  }
}
