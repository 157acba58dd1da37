package io.expertmesh.router.http;

import com.google.protobuf.Message;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.DrainRequest;
import io.expertmesh.proto.v1.GetStateRequest;
import io.expertmesh.proto.v1.MoveExpertsRequest;
import io.expertmesh.proto.v1.PlanRequest;
import io.expertmesh.proto.v1.SetTrafficRequest;
import io.expertmesh.proto.v1.UndrainRequest;
import io.expertmesh.router.admin.Admin;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@link Admin} over HTTP. */
@RestController
final class AdminController {
  private final Admin admin;

  AdminController(Admin admin) {
    this.admin = admin;
  }

  @GetMapping("/v1/admin/state")
  void state(HttpServletResponse response) throws IOException, InterruptedException {
    answer(response, admin.getState(GetStateRequest.getDefaultInstance()));
  }

  @PostMapping("/v1/admin/processes/{process}/drain")
  void drain(@PathVariable("process") String process, HttpServletResponse response)
      throws IOException, InterruptedException {
    answer(response, admin.drain(DrainRequest.newBuilder().setProcess(process).build()));
  }

  @PostMapping("/v1/admin/processes/{process}/undrain")
  void undrain(@PathVariable("process") String process, HttpServletResponse response)
      throws IOException, InterruptedException {
    answer(response, admin.undrain(UndrainRequest.newBuilder().setProcess(process).build()));
  }

  @PostMapping("/v1/admin/plan")
  void plan(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
    PlanRequest.Builder asked = PlanRequest.newBuilder();
    ProtoJson.read(request, asked);
    answer(response, admin.plan(asked.build()));
  }

  @PostMapping("/v1/admin/moves")
  void moves(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
    MoveExpertsRequest.Builder asked = MoveExpertsRequest.newBuilder();
    ProtoJson.read(request, asked);
    answer(response, admin.moveExperts(asked.build()));
  }

  @PutMapping("/v1/admin/traffic")
  void traffic(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
    SetTrafficRequest.Builder asked = SetTrafficRequest.newBuilder();
    ProtoJson.read(request, asked);
    answer(response, admin.setTraffic(asked.build()));
  }

  private static void answer(HttpServletResponse response, CompletableFuture<? extends Message> answer)
      throws IOException, InterruptedException {
    try {
      ProtoJson.write(response, answer.get());
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof FailureException known) {
        throw known;
      }
      throw new FailureException(FailureCategory.INTERNAL, "An admin call failed", failed);
    }
  }
}
