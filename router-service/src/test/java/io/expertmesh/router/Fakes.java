package io.expertmesh.router;

import com.google.protobuf.ByteString;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import java.util.List;
import java.util.stream.IntStream;

/** What processes say in tests. */
public final class Fakes {
  private Fakes() {}

  public static Fingerprint fingerprint(String version, int experts) {
    Fingerprint.Builder fingerprint = Fingerprint.newBuilder().setVersion(version)
        .setShape("olmoe layers=2 experts=" + experts + " hidden=8 expert=4").setDtype("f32").setNumerics("exact");
    for (int expert = 0; expert < experts; expert++) {
      byte[] digest = new byte[16];
      digest[0] = (byte) expert;
      fingerprint.putExpertDigests(expert, ByteString.copyFrom(digest));
    }
    return fingerprint.build();
  }

  /** A process that is ready and chose its experts itself. */
  public static RegisterRequest fixed(String name, int port, int first, int last) {
    return RegisterRequest.newBuilder()
        .setProcessId("id-" + name)
        .setName(name)
        .setEndpoint("127.0.0.1:" + port)
        .setPid(1)
        .setState(ProcessState.PROCESS_STATE_READY)
        .setFingerprint(fingerprint("demo", 16))
        .addAllExpertIds(range(first, last))
        .setBackend("cpu scalar")
        .build();
  }

  /** A process that waits for an assignment. */
  public static RegisterRequest auto(String name, int port) {
    return fixed(name, port, 0, 0).toBuilder().clearExpertIds().setTakesAssignments(true).build();
  }

  public static List<Integer> range(int first, int last) {
    return IntStream.rangeClosed(first, last).boxed().toList();
  }
}
