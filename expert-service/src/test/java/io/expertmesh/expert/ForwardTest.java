package io.expertmesh.expert;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.proto.v1.CancelBatch;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.Rejection;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.proto.v1.Tensor;
import io.expertmesh.transport.TensorBytes;
import io.grpc.Status;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class ForwardTest {
  private static final List<Integer> HELD = List.of(1, 2, 5, 9);
  private static final ExpertServer SERVER = ExpertServer.start(
      ExpertConfiguration.of("test", new ExpertIds.Fixed(HELD)), Checkpoint.open(TestBatch.DEMO));
  private static final String ENDPOINT = SERVER.grpcEndpoint();

  private final SplittableRandom random = new SplittableRandom(7);

  @AfterAll
  static void stop() {
    SERVER.close();
  }

  @Test
  void resultsAreTheReferencesBitsWhateverIsMerged() {
    List<TestGateway> gateways = new ArrayList<>();
    List<Map<Long, float[]>> expected = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      gateways.add(TestGateway.welcomed(ENDPOINT));
      expected.add(new HashMap<>());
    }
    List<TestBatch> batches = new ArrayList<>();
    for (int i = 0; i < 120; i++) {
      batches.add(TestBatch.random(random, i, HELD, i % 10 == 0 ? 80 : 6));
    }
    for (int i = 0; i < batches.size(); i++) { // all at once, so that they meet in the queue
      gateways.get(i % 4).send(batches.get(i).message());
      expected.get(i % 4).put(batches.get(i).message().getId(), batches.get(i).expected());
    }
    for (int g = 0; g < 4; g++) {
      Map<Long, float[]> open = expected.get(g);
      while (!open.isEmpty()) {
        ForwardResponse response = gateways.get(g).next();
        assertThat(TestGateway.outputs(response)).isEqualTo(open.remove(response.getResult().getId()));
      }
      gateways.get(g).requests.onCompleted();
      assertThat(gateways.get(g).end().isOk()).isTrue();
      gateways.get(g).close();
    }
  }

  @Test
  void bf16TravelsBothWays() {
    TestBatch exact = TestBatch.random(random, 1, HELD, 5);
    int tokens = exact.message().getHidden().getShape(0);
    float[] rounded = new float[tokens * TestBatch.HIDDEN];
    int[] rows = IntStream.range(0, tokens).toArray();
    TensorBytes.unpack(exact.message().getHidden(), rows, rounded, TestBatch.HIDDEN);
    Tensor bf16 = TensorBytes.pack(rows, rounded, TestBatch.HIDDEN, DType.D_TYPE_BF16);
    TensorBytes.unpack(bf16, rows, rounded, TestBatch.HIDDEN);
    Tensor same = TensorBytes.pack(rows, rounded, TestBatch.HIDDEN, DType.D_TYPE_F32);
    try (TestGateway f32 = TestGateway.welcomed(ENDPOINT);
        TestGateway half = TestGateway.welcomed(ENDPOINT, DType.D_TYPE_BF16)) {
      f32.send(exact.message().toBuilder().setHidden(same).build());
      half.send(exact.message().toBuilder().setHidden(bf16).build());
      float[] full = TestGateway.outputs(f32.next());
      ForwardResponse short16 = half.next();
      assertThat(short16.getResult().getOutputs().getDtype()).isEqualTo(DType.D_TYPE_BF16);
      float[] values = TestGateway.outputs(short16);
      for (int i = 0; i < full.length; i++) {
        assertThat(values[i]).isEqualTo(Float.intBitsToFloat(TensorBytes.bfloat16(full[i]) << 16));
      }
    }
  }

  @Test
  void everyContradictionIsNamedAndTheStreamGoesOn() {
    try (TestGateway gateway = TestGateway.welcomed(ENDPOINT)) {
      invalid(gateway, "layer is 4; the model has 4", b -> b.setLayer(4));
      invalid(gateway, "layer is 4294967295", b -> b.setLayer(-1));
      invalid(gateway, "the batch has 0 rows", ExpertBatch.Builder::clearTokens);
      invalid(gateway, "expert_ids has 1 after 1", b -> b.setExpertIds(1, 1));
      invalid(gateway, "expert_ids has 16 after 1", b -> b.setExpertIds(1, 16));
      invalid(gateway, "starts has 2 entries for 2 experts", b -> b.clearStarts().addStarts(0).addStarts(3));
      invalid(gateway, "starts has 1 at 0", b -> b.setStarts(0, 1));
      invalid(gateway, "starts has 0 at 1", b -> b.setStarts(1, 0));
      invalid(gateway, "starts has 4294967295 at 1", b -> b.setStarts(1, -1));
      invalid(gateway, "starts ends with 4, but there are 3 rows", b -> b.setStarts(2, 4));
      invalid(gateway, "tokens has 2 at row 1; hidden has 2", b -> b.setTokens(1, 2));
      invalid(gateway, "tokens has 4294967295 at row 0", b -> b.setTokens(0, -1));
      invalid(gateway, "shape [2, 191], not [2, 192]", b -> b.getHiddenBuilder().setShape(1, 191));
      invalid(gateway, "hidden has shape [2]", b -> b.getHiddenBuilder().clearShape().addShape(2));
      invalid(gateway, "hidden has shape [-1, 192]", b -> b.getHiddenBuilder().setShape(0, -1));
      invalid(gateway, "hidden has shape [4, 192]; with 3 rows", b -> b.getHiddenBuilder().setShape(0, 4));
      invalid(gateway, "has 1535 bytes, not 1536", b -> b.getHiddenBuilder().setData(
          b.getHidden().getData().substring(1)));
      invalid(gateway, "type is 0, neither F32 nor BF16", b -> b.getHiddenBuilder().clearDtype());
      ExpertBatch many = two().toBuilder().addAllTokens(Collections.nCopies(9000, 0)).build();
      invalid(gateway, "the batch has 9006 rows; 1 to 8192", b -> b.mergeFrom(many).setId(99));
      Rejection unknown = rejected(gateway, two().toBuilder().setExpertIds(1, 3).build());
      assertThat(unknown.getReason()).isEqualTo(RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT);
      assertThat(unknown.getMissingExpertIdsList()).containsExactly(3);
      assertThat(unknown.getMessage()).isEqualTo("expert 3 is not held here; experts 1-2,5,9 are");
      Rejection late = rejected(gateway, two().toBuilder().setTimeoutMicros(1).build());
      assertThat(late.getReason()).isEqualTo(RejectionReason.REJECTION_REASON_DEADLINE);
      TestBatch good = TestBatch.random(random, 5, HELD, 3);
      gateway.send(good.message());
      assertThat(TestGateway.outputs(gateway.next())).isEqualTo(good.expected());
    }
    assertThat(SERVER.process().metrics().scrape())
        .containsPattern("expertmesh_expert_rejections_total\\{reason=\"invalid\"\\} [1-9]")
        .containsPattern("expertmesh_expert_rejections_total\\{reason=\"unknown_expert\"\\} [1-9]");
  }

  /** Experts 1 and 2, with the tokens 0 and 1, and 1. */
  private static ExpertBatch two() {
    return ExpertBatch.newBuilder().setId(3).setLayer(1).addExpertIds(1).addExpertIds(2).addStarts(0).addStarts(2)
        .addStarts(3).addTokens(0).addTokens(1).addTokens(1)
        .setHidden(TensorBytes.pack(new int[]{0, 0}, new float[TestBatch.HIDDEN], TestBatch.HIDDEN, DType.D_TYPE_F32))
        .build();
  }

  private static void invalid(TestGateway gateway, String message, Consumer<ExpertBatch.Builder> change) {
    ExpertBatch.Builder batch = two().toBuilder();
    change.accept(batch);
    Rejection rejection = rejected(gateway, batch.build());
    assertThat(rejection.getReason()).isEqualTo(RejectionReason.REJECTION_REASON_INVALID);
    assertThat(rejection.getMessage()).contains(message);
  }

  private static Rejection rejected(TestGateway gateway, ExpertBatch batch) {
    gateway.send(batch);
    ForwardResponse response = gateway.next();
    assertThat(response.hasRejection()).as("%s", response).isTrue();
    assertThat(response.getRejection().getId()).isEqualTo(batch.getId());
    return response.getRejection();
  }

  @Test
  void anotherModelIsRefusedInWords() {
    Fingerprint demo = TestGateway.DEMO;
    refused(demo.toBuilder().setShape("olmoe layers=5").build(),
        "shape is olmoe layers=4 experts=16 hidden=192 expert=96 here and olmoe layers=5 there");
    refused(demo.toBuilder().setArithmetic("fma8-1").build(), "arithmetic is fma16-1 here and fma8-1 there");
    refused(demo.toBuilder().putExpertDigests(2, ByteString.copyFrom(new byte[16])).setVersion("v9").build(),
        "expert 2 is ");
    refused(demo.toBuilder().putExpertDigests(99, ByteString.copyFrom(new byte[16])).build(), "expert 99 is none");
    try (TestGateway fast = TestGateway.open(ENDPOINT)) {
      fast.hello(demo.toBuilder().setNumerics("fast").setArithmetic("").build(), DType.D_TYPE_F32);
      assertThat(fast.next().getWelcome().getFingerprint().getExpertDigestsMap().keySet())
          .containsExactlyInAnyOrderElementsOf(HELD);
    }
  }

  private static void refused(Fingerprint fingerprint, String why) {
    try (TestGateway gateway = TestGateway.open(ENDPOINT)) {
      gateway.hello(fingerprint, DType.D_TYPE_F32);
      Status end = gateway.end();
      assertThat(end.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
      assertThat(end.getDescription()).contains("another model", why);
    }
  }

  @Test
  void messagesOutOfOrderEndTheStream() {
    violation("the first message must be hello", gateway -> gateway.send(two()));
    violation("neither hello, batch nor cancel", gateway -> gateway.requests.onNext(
        ForwardRequest.getDefaultInstance()));
    violation("wire_dtype is 0", gateway -> gateway.hello(TestGateway.DEMO, DType.D_TYPE_UNSPECIFIED));
    violation("hello may be said once", gateway -> {
      gateway.hello(TestGateway.DEMO, DType.D_TYPE_F32);
      gateway.hello(TestGateway.DEMO, DType.D_TYPE_F32);
    });
  }

  private static void violation(String why, Consumer<TestGateway> act) {
    try (TestGateway gateway = TestGateway.open(ENDPOINT)) {
      act.accept(gateway);
      Status end = gateway.end();
      assertThat(end.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(end.getDescription()).contains(why);
    }
  }

  @Test
  void brokenMessagesNeverHurtOthers() {
    List<TestBatch> good = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      good.add(TestBatch.random(random, 1_000_000 + i, HELD, 4));
    }
    int answers = 0;
    try (TestGateway fuzzed = TestGateway.welcomed(ENDPOINT); TestGateway other = TestGateway.welcomed(ENDPOINT)) {
      for (int i = 0; i < 400; i++) {
        fuzzed.send(mutated(TestBatch.random(random, i, HELD, 3).message()).toBuilder().setId(i).build());
        if (i % 20 == 0) {
          other.send(good.get(i / 20).message());
          assertThat(TestGateway.outputs(other.next())).isEqualTo(good.get(i / 20).expected());
        }
      }
      for (; answers < 400; answers++) {
        ForwardResponse response = fuzzed.next();
        assertThat(response.hasResult() || response.hasRejection()).isTrue();
        assertThat(response.getRejection().getReason()).isNotEqualTo(RejectionReason.REJECTION_REASON_FAILED);
      }
      fuzzed.requests.onNext(ForwardRequest.newBuilder().setCancel(CancelBatch.newBuilder().setId(77)).build());
      fuzzed.send(good.getFirst().message());
      assertThat(TestGateway.outputs(fuzzed.next())).isEqualTo(good.getFirst().expected());
    }
  }

  private ExpertBatch mutated(ExpertBatch batch) {
    ExpertBatch.Builder changed = batch.toBuilder();
    int value = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(-2, 40);
    switch (random.nextInt(12)) {
      case 0 -> changed.setLayer(value);
      case 1 -> changed.setExpertIds(random.nextInt(batch.getExpertIdsCount()), value);
      case 2 -> changed.addExpertIds(value);
      case 3 -> changed.setStarts(random.nextInt(batch.getStartsCount()), value);
      case 4 -> changed.addStarts(value);
      case 5 -> changed.setTokens(random.nextInt(batch.getTokensCount()), value);
      case 6 -> changed.addTokens(value);
      case 7 -> changed.getHiddenBuilder().setShape(random.nextInt(2), value);
      case 8 -> changed.getHiddenBuilder().setDtypeValue(value);
      case 9 -> changed.getHiddenBuilder().setData(batch.getHidden().getData().substring(
          random.nextInt(batch.getHidden().getData().size())));
      case 10 -> changed.setTimeoutMicros(random.nextLong());
      default -> changed.getHiddenBuilder().addShape(value);
    }
    return changed.build();
  }

  @Test
  void aRepeatedIdEndsTheStreamOnlyWhileItIsUnanswered() {
    try (TestGateway gateway = TestGateway.welcomed(ENDPOINT)) {
      TestBatch batch = TestBatch.random(random, 1, HELD, 3);
      for (int i = 0; i < 3; i++) {
        gateway.send(batch.message());
        assertThat(TestGateway.outputs(gateway.next())).isEqualTo(batch.expected());
      }
      for (int i = 0; i < 50; i++) { // the answer may come between two of them, but not every time
        gateway.send(batch.message());
      }
      Status end = gateway.end();
      assertThat(end.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(end.getDescription()).contains("batch 1 is not answered yet");
    }
  }

  @Test
  void saysWhatItIsOverGrpcAndHttp() throws IOException, InterruptedException {
    try (TestGateway gateway = TestGateway.open(ENDPOINT)) {
      DescribeResponse said = ExpertServiceGrpc.newBlockingStub(gateway.channel)
          .describe(DescribeRequest.getDefaultInstance());
      assertThat(said.getState()).isEqualTo(ProcessState.PROCESS_STATE_READY);
      assertThat(said.getExpertIdsList()).isEqualTo(HELD);
      assertThat(said.getBackend()).startsWith("cpu ");
      assertThat(said.getRowsPerSecond()).isPositive();
      assertThat(said.getFingerprint().getVersion()).isEqualTo(TestGateway.DEMO.getVersion());
      assertThat(said.getLimits().getMaxRows()).isEqualTo(8192);
    }
    assertThat(get("/health", 200)).contains("\"status\":\"ready\"", "experts 1-2,5,9", "\"router\":null");
    assertThat(get("/metrics", 200)).contains("expertmesh_expert_rows_total", "expertmesh_expert_held 4.0",
        "expertmesh_expert_streams_dropped_total{reason=\"fingerprint\"}");
    assertThat(get("/other", 404)).contains("/health");
  }

  private static String get(String path, int status) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      var response = client.send(HttpRequest.newBuilder(URI.create(SERVER.httpUrl() + path)).build(),
          BodyHandlers.ofString());
      assertThat(response.statusCode()).isEqualTo(status);
      return response.body();
    }
  }
}
