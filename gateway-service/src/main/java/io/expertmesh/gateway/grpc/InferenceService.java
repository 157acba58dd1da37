package io.expertmesh.gateway.grpc;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.openai.ModelName;
import io.expertmesh.gateway.openai.SingleAnswers;
import io.expertmesh.gateway.openai.SingleAnswers.SingleAnswer;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.proto.v1.DetokenizeRequest;
import io.expertmesh.proto.v1.DetokenizeResponse;
import io.expertmesh.proto.v1.GenerateRequest;
import io.expertmesh.proto.v1.GenerateResponse;
import io.expertmesh.proto.v1.InferenceServiceGrpc.InferenceServiceImplBase;
import io.expertmesh.proto.v1.ListModelsRequest;
import io.expertmesh.proto.v1.ListModelsResponse;
import io.expertmesh.proto.v1.Model;
import io.expertmesh.proto.v1.TokenizeRequest;
import io.expertmesh.proto.v1.TokenizeResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;

/** What applications may ask for over gRPC; {@link CallEntrance} stands before it. */
public final class InferenceService extends InferenceServiceImplBase {
  private final ServedModel model;
  private final ServingMetrics metrics;
  private final Traces traces;
  private final SingleAnswers answers;

  public InferenceService(ModelVersions versions, GatewayConfiguration configuration, ServingMetrics metrics,
      Traces traces) {
    this.model = versions.main().model();
    this.metrics = metrics;
    this.traces = traces;
    this.answers = new SingleAnswers(versions, configuration);
  }

  @Override
  public void generate(GenerateRequest request, StreamObserver<GenerateResponse> client) {
    try {
      SingleAnswer answer = traces.prompt(() -> answers.read(GenerateFields.of(request), CallEntrance.requestId(),
          CallEntrance.caller()));
      answer.description(model.name()).tell();
      AnswerStream stream = new AnswerStream((ServerCallStreamObserver<GenerateResponse>) client,
          answer.with(traces.watched(answer.generation())));
      // Not in this thread, which must be free to hear that the client is ready or gone.
      Thread.ofVirtual().name("generate").start(() -> stream.run(metrics));
    } catch (RuntimeException refused) {
      client.onError(GrpcErrors.of(refused));
    }
  }

  @Override
  public void tokenize(TokenizeRequest request, StreamObserver<TokenizeResponse> client) {
    answer(client, () -> {
      checkModel(request.getModel());
      TokenizeResponse.Builder response = TokenizeResponse.newBuilder();
      for (int id : model.tokenizer().encode(request.getText(), request.getAddSpecialTokens())) {
        response.addIds(id);
      }
      return response.build();
    });
  }

  @Override
  public void detokenize(DetokenizeRequest request, StreamObserver<DetokenizeResponse> client) {
    answer(client, () -> {
      checkModel(request.getModel());
      int[] ids = new int[request.getIdsCount()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = request.getIds(i);
        if (Integer.compareUnsigned(ids[i], model.vocabularySize()) >= 0) {
          throw ApiException.invalid("ids", "'ids[%d]' is %s; this model's tokens are 0 to %d.".formatted(i,
              Integer.toUnsignedString(ids[i]), model.vocabularySize() - 1));
        }
      }
      return DetokenizeResponse.newBuilder().setText(model.tokenizer().decode(ids, false)).build();
    });
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> client) {
    answer(client, () -> ListModelsResponse.newBuilder()
        .addModels(Model.newBuilder()
            .setName(model.name())
            .addAllAliases(model.aliases())
            .setContextLength(model.contextLength())
            .setVocabularySize(model.vocabularySize())
            .addAllMoeLayers(model.moeLayers())
            .setExperts(model.experts()))
        .build());
  }

  private void checkModel(String name) {
    if (!name.isEmpty()) {
      ModelName.check(name, model);
    }
  }

  private static <T> void answer(StreamObserver<T> client, Supplier<T> work) {
    T response;
    try {
      response = work.get();
    } catch (RuntimeException failure) {
      client.onError(GrpcErrors.of(failure));
      return;
    }
    client.onNext(response);
    client.onCompleted();
  }
}
