package io.expertmesh.expert.grpc;

import io.expertmesh.expert.compute.BatchReader;
import io.expertmesh.expert.compute.ExpertProcess;
import io.expertmesh.expert.trace.BatchSpans;
import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The streams of all gateways. Callbacks only check and queue, so they may run on the network's threads. */
public final class ForwardService extends ExpertServiceGrpc.ExpertServiceImplBase {
  private final ExpertProcess process;
  private final BatchSpans spans;
  private final BatchReader reader;
  private final Duration unreadTimeout;
  private final Set<ForwardStream> streams = ConcurrentHashMap.newKeySet();

  /**
   * @param unreadTimeout after which a gateway that reads none of its results loses its stream
   */
  public ForwardService(ExpertProcess process, Duration unreadTimeout, BatchSpans spans) {
    this.process = process;
    this.spans = spans;
    this.reader = new BatchReader(process.limits(), process.holding());
    this.unreadTimeout = unreadTimeout;
    process.metrics().gauge("streams", "Streams of gateways", streams::size);
  }

  @Override
  public StreamObserver<ForwardRequest> forward(StreamObserver<ForwardResponse> responses) {
    var out = (ServerCallStreamObserver<ForwardResponse>) responses;
    ForwardStream stream = new ForwardStream(process, reader, spans, out, streams::remove);
    streams.add(stream);
    stream.start();
    return stream;
  }

  @Override
  public void describe(DescribeRequest request, StreamObserver<DescribeResponse> response) {
    response.onNext(process.describe());
    response.onCompleted();
  }

  /** Ends the streams whose gateways do not read. To be called several times per timeout. */
  public void dropUnread() {
    long now = System.nanoTime();
    streams.forEach(stream -> stream.dropIfUnread(now, unreadTimeout));
  }

  /** Whether every answer has been handed to the network. */
  public boolean isEverythingSent() {
    return streams.stream().allMatch(ForwardStream::isEverythingSent);
  }

  /** Ends all streams. */
  public void endStreams(Status why) {
    streams.forEach(stream -> stream.end(why));
  }
}
