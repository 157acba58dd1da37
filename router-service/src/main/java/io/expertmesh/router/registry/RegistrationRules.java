package io.expertmesh.router.registry;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import java.net.URI;
import java.util.List;
import java.util.regex.Pattern;

/** What a registration must be like. */
public final class RegistrationRules {
  /** Expert ids are below it. */
  public static final int MAX_EXPERTS = 4096;
  static final int MAX_LAYERS = 1024;
  static final int DIGEST_BYTES = 16;
  private static final int MAX_TEXT = 300;
  private static final int MAX_LOADS = 1 << 18;
  private static final long MAX_ROWS = 1L << 50;
  /** Also a part of a URL's path. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}");
  private static final Pattern ENDPOINT = Pattern.compile(
      "(?:\\[[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]{1,15})?\\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))"
          + ":([1-9][0-9]{0,4})");
  private static final Pattern VERSION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/@+=-]{0,199}");

  private RegistrationRules() {}

  /** @throws Refusal that says what is wrong */
  public static void check(RegisterRequest request) {
    name("process_id", request.getProcessId());
    name("name", request.getName());
    endpoint(request.getEndpoint());
    http(request.getHttp());
    text("backend", request.getBackend());
    text("failure", request.getFailure());
    ProcessState state = request.getState();
    require(state != ProcessState.PROCESS_STATE_UNSPECIFIED && state != ProcessState.UNRECOGNIZED,
        "state is not one of LOADING, WARMING, READY, DRAINING and FAILED.");
    double speed = request.getRowsPerSecond();
    require(Double.isFinite(speed) && speed >= 0, "rows_per_second is %s; it must be 0 or more.", speed);
    experts(request);
    fingerprint(request.getFingerprint(), state);
    load(request.getLoad());
  }

  /** @throws Refusal if {@code value} is not what processes and gateways may be called */
  public static void name(String field, String value) {
    require(NAME.matcher(value).matches(), "%s is '%s'; it must be 1 to 128 of A-Z a-z 0-9 . _ : -.", field,
        shown(value));
  }

  /** Whether {@code version} can be a fingerprint's. */
  public static boolean isVersion(String version) {
    return VERSION.matcher(version).matches();
  }

  private static void endpoint(String endpoint) {
    var parts = ENDPOINT.matcher(endpoint);
    require(parts.matches() && Integer.parseInt(parts.group(1)) <= 65535,
        "endpoint is '%s'; it must be host:port, such as 10.0.0.7:9100 or [::1]:9100.", shown(endpoint));
  }

  private static void http(String http) {
    text("http", http);
    if (http.isEmpty()) {
      return;
    }
    try {
      URI uri = URI.create(http);
      require("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()), "http is '%s'; it must be a URL.",
          shown(http));
    } catch (IllegalArgumentException wrong) {
      throw Refusal.invalid("http is '%s', which is not a URL.".formatted(shown(http)));
    }
  }

  private static void experts(RegisterRequest request) {
    List<Integer> ids = request.getExpertIdsList();
    int before = -1;
    for (int id : ids) {
      require(id > before && id < MAX_EXPERTS, "expert_ids has %d after %d; ids must ascend and be below %d.",
          Integer.toUnsignedLong(id), before, MAX_EXPERTS);
      before = id;
    }
    int most = request.getMaxExperts();
    require(most >= 0, "max_experts is %d; it must be below 2^31.", Integer.toUnsignedLong(most));
    require(most == 0 || ids.size() <= most, "It holds %d experts, but max_experts is %d.", ids.size(), most);
    boolean ready = request.getState() == ProcessState.PROCESS_STATE_READY;
    require(!ready || !ids.isEmpty() || request.getTakesAssignments(), "It is ready, but holds no expert.");
    for (int id : ids) {
      require(!ready || request.getFingerprint().containsExpertDigests(id),
          "It holds expert %d, but the fingerprint has no digest of it.", id);
    }
  }

  private static void fingerprint(Fingerprint fingerprint, ProcessState state) {
    require(state != ProcessState.PROCESS_STATE_READY || isVersion(fingerprint.getVersion()),
        "The fingerprint's version is '%s'; it must be 1 to 200 of A-Z a-z 0-9 . _ : / @ + = -.",
        shown(fingerprint.getVersion()));
    text("fingerprint.version", fingerprint.getVersion());
    text("fingerprint.shape", fingerprint.getShape());
    text("fingerprint.dtype", fingerprint.getDtype());
    text("fingerprint.held_dtype", fingerprint.getHeldDtype());
    text("fingerprint.numerics", fingerprint.getNumerics());
    text("fingerprint.arithmetic", fingerprint.getArithmetic());
    fingerprint.getExpertDigestsMap().forEach((id, digest) -> {
      require(id >= 0 && id < MAX_EXPERTS, "The fingerprint has a digest of expert %d; ids must be below %d.",
          Integer.toUnsignedLong(id), MAX_EXPERTS);
      require(digest.size() == DIGEST_BYTES, "The digest of expert %d has %d bytes; it must have %d.", id,
          digest.size(), DIGEST_BYTES);
    });
  }

  private static void load(LoadReport load) {
    require(load.getExpertsCount() <= MAX_LOADS, "load has %d entries; there may be %d at most.",
        load.getExpertsCount(), MAX_LOADS);
    for (ExpertLoad entry : load.getExpertsList()) {
      int layer = entry.getLayer();
      int expert = entry.getExpertId();
      require(layer >= 0 && layer < MAX_LAYERS && expert >= 0 && expert < MAX_EXPERTS,
          "load names expert %d of layer %d; there are fewer than %d experts and %d layers.",
          Integer.toUnsignedLong(expert), Integer.toUnsignedLong(layer), MAX_EXPERTS, MAX_LAYERS);
      require(entry.getRows() >= 0 && entry.getRows() <= MAX_ROWS, "load has %s rows of expert %d; too many.",
          Long.toUnsignedString(entry.getRows()), expert);
    }
  }

  private static void text(String field, String value) {
    require(value.length() <= MAX_TEXT && value.chars().noneMatch(Character::isISOControl),
        "%s has %d characters, or some that cannot be shown; it may have %d.", field, value.length(), MAX_TEXT);
  }

  private static String shown(String value) {
    String visible = value.replaceAll("\\p{Cntrl}", "?");
    return visible.length() <= 60 ? visible : visible.substring(0, 60) + "...";
  }

  @FormatMethod
  private static void require(boolean valid, @FormatString String message, Object... values) {
    if (!valid) {
      throw Refusal.invalid(message.formatted(values));
    }
  }
}
