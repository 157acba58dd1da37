package io.expertmesh.integration;

import io.grpc.ManagedChannel;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Asks a server what it serves. */
final class Reflection {
  private Reflection() {}

  /** The names of its services. */
  static List<String> services(ManagedChannel channel) {
    CompletableFuture<List<String>> services = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> questions = ServerReflectionGrpc.newStub(channel)
        .serverReflectionInfo(new StreamObserver<ServerReflectionResponse>() {
          @Override
          public void onNext(ServerReflectionResponse response) {
            services.complete(response.getListServicesResponse().getServiceList().stream()
                .map(ServiceResponse::getName).toList());
          }

          @Override
          public void onError(Throwable failure) {
            services.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {}
        });
    questions.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    List<String> names = services.orTimeout(10, TimeUnit.SECONDS).join();
    questions.onCompleted();
    return names;
  }
}
