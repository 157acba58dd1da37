package io.expertmesh.model.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.hub.FakeHub.Fault;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ModelLocatorTest {
  private static final String MODEL = "example/tiny-moe";
  private static final String WEIGHTS = "model.safetensors";
  private static final String HEADER = "{\"a\":{\"dtype\":\"F32\",\"shape\":[50000],\"data_offsets\":[0,200000]}}";

  @TempDir
  Path cache;

  private FakeHub hub;

  @BeforeEach
  void model() throws IOException {
    hub = new FakeHub(MODEL).file("config.json", "{\"model_type\":\"olmoe\"}").file("tokenizer.json", "{}")
        .file("tokenizer_config.json", "{}").file("README.md", "not needed").file("onnx/model.onnx", "not needed")
        .file("pytorch_model.bin", "not needed").file(WEIGHTS, safetensors());
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  private static byte[] safetensors() {
    byte[] bytes = new byte[8 + HEADER.length() + 200_000];
    new Random(1).nextBytes(bytes);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(HEADER.length())
        .put(HEADER.getBytes(StandardCharsets.US_ASCII));
    return bytes;
  }

  @Test
  void downloadsWhatServingNeedsIntoTheSharedCacheLayout() throws IOException {
    List<String> progress = new ArrayList<>();
    Path snapshot = locate((task, done, total) -> progress.add("%s %d/%d".formatted(task, done, total)));

    assertThat(snapshot).isEqualTo(cache.resolve("models--example--tiny-moe/snapshots/" + FakeHub.COMMIT));
    assertThat(Checkpoint.open(snapshot).tensors()).containsOnlyKeys("a");
    assertThat(names(snapshot))
        .containsExactlyInAnyOrder("config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS);
    assertThat(cache.resolve("models--example--tiny-moe/refs/main")).hasContent(FakeHub.COMMIT);
    assertThat(Files.readSymbolicLink(snapshot.resolve(WEIGHTS)).toString())
        .isEqualTo("../../blobs/" + hub.checksum(WEIGHTS));
    assertThat(progress).contains("%s %2$d/%2$d".formatted(WEIGHTS, safetensors().length));
  }

  @Test
  void asksTheHubNothingWhenTheCacheHasTheModel() {
    Path first = locate();
    int requests = hub.requests.size();
    assertThat(locate()).isEqualTo(first);
    assertThat(hub.requests).hasSize(requests);
    hub.close();
    assertThat(locate()).isEqualTo(first);
  }

  @Test
  void bringsOnlyWhatIsMissing() throws IOException {
    Path snapshot = locate();
    Files.delete(snapshot.resolve("tokenizer.json").toRealPath());
    hub.requests.clear();
    assertThat(locate().resolve("tokenizer.json")).hasContent("{}");
    assertThat(hub.requests).hasSize(2).last().isEqualTo("GET tokenizer.json");
  }

  @Test
  void goesOnWhereAConnectionWasCut() throws IOException {
    hub.fault(WEIGHTS, Fault.CUT, Fault.CUT, Fault.BUSY);
    Path snapshot = locate();
    int length = safetensors().length;
    assertThat(Files.readAllBytes(snapshot.resolve(WEIGHTS))).isEqualTo(safetensors());
    assertThat(weightRequests()).containsExactly("GET " + WEIGHTS, range(length / 2),
        range(length / 2 + (length - length / 2) / 2), range(length / 2 + (length - length / 2) / 2));
  }

  @Test
  void goesOnAfterAStall() throws IOException {
    hub.fault(WEIGHTS, Fault.STALL);
    Path snapshot = new ModelLocator(settings(null, Duration.ofSeconds(1)))
        .locate(MODEL, (file, done, total) -> hub.arrived(file, done));
    assertThat(Files.readAllBytes(snapshot.resolve(WEIGHTS))).isEqualTo(safetensors());
    assertThat(weightRequests()).contains("GET " + WEIGHTS, range(safetensors().length / 2));
  }

  @Test
  void goesOnInANewProcessWithWhatAnEarlierOneLeft() throws IOException {
    hub.fault(WEIGHTS, Fault.CUT, Fault.BUSY, Fault.BUSY, Fault.BUSY, Fault.BUSY, Fault.BUSY);
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == FailureCategory.UNAVAILABLE)
        .withMessageContaining(WEIGHTS).withMessageContaining("start again to go on");
    assertThat(cache.resolve("models--example--tiny-moe/refs")).doesNotExist();
    assertThat(names(cache.resolve("models--example--tiny-moe/snapshots/" + FakeHub.COMMIT))).doesNotContain(WEIGHTS);
    assertThat(cache.resolve("models--example--tiny-moe/blobs/" + hub.checksum(WEIGHTS) + ".incomplete"))
        .hasSize(safetensors().length / 2);

    hub.requests.clear();
    assertThat(Files.readAllBytes(locate().resolve(WEIGHTS))).isEqualTo(safetensors());
    // The hub was still busy once.
    assertThat(weightRequests()).containsOnly(range(safetensors().length / 2));
  }

  @Test
  void startsAgainWhenTheServerIgnoresTheRange() throws IOException {
    hub.fault(WEIGHTS, Fault.CUT, Fault.IGNORE_RANGE);
    assertThat(Files.readAllBytes(locate().resolve(WEIGHTS))).isEqualTo(safetensors());
  }

  @Test
  void aWrongChecksumIsTriedAgainOnce() throws IOException {
    hub.fault(WEIGHTS, Fault.DAMAGE);
    assertThat(Files.readAllBytes(locate().resolve(WEIGHTS))).isEqualTo(safetensors());
  }

  @ParameterizedTest
  @ValueSource(strings = {WEIGHTS, "config.json"})
  void aFileThatStaysDamagedIsRefusedAndNotKept(String name) throws IOException {
    hub.fault(name, Fault.DAMAGE, Fault.DAMAGE);
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT)
        .withMessageContaining(name + " of " + MODEL).withMessageContaining(hub.checksum(name));
    assertThat(names(cache.resolve("models--example--tiny-moe/blobs")).stream()
        .filter(blob -> blob.startsWith(hub.checksum(name)))).isEmpty();
  }

  @Test
  void theTokenOpensTheModelAndStaysWithTheHub() {
    hub.token = "hf_secret";
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == FailureCategory.NOT_FOUND).withMessageContaining("set HF_TOKEN");
    Path snapshot = new ModelLocator(settings("hf_secret", Duration.ofSeconds(10))).locate(MODEL, Progress.NONE);
    assertThat(snapshot.resolve(WEIGHTS)).exists();
    assertThat(hub.leaked).isEmpty();
    assertThat(settings("hf_secret", Duration.ZERO).toString()).doesNotContain("hf_secret");
  }

  @ParameterizedTest
  @CsvSource({"401,NOT_FOUND,needs a token", "403,NOT_FOUND,not open to you", "404,NOT_FOUND,does not exist",
      "500,UNAVAILABLE,answers 500", "429,UNAVAILABLE,answers 429", "418,UNAVAILABLE,answers 418"})
  void saysWhatTheHubSaid(int status, FailureCategory category, String message) {
    hub.listingStatus = status;
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == category).withMessageContaining(message).withMessageContaining(MODEL);
  }

  @Test
  void checksTheDiskBeforeTheWeights() {
    hub.claimedExtra = Long.MAX_VALUE / 4;
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == FailureCategory.UNAVAILABLE)
        .withMessageContaining("MiB are needed, but the disk has");
    assertThat(weightRequests()).isEmpty();
  }

  @Test
  void saysThatTheHubCannotBeReached() {
    hub.close();
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == FailureCategory.UNAVAILABLE)
        .withMessageContaining("%s cannot be reached", hub.uri());
  }

  @Test
  void bringsTheShardsThatTheIndexNames() throws IOException {
    try (FakeHub sharded = new FakeHub(MODEL)) {
      hub.close();
      hub = sharded.file("config.json", "{}").file("tokenizer.json", "{}").file("other.safetensors", "not needed")
          .file("model.safetensors.index.json",
              "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}")
          .file("m-1.safetensors", "one").file("m-2.safetensors", "two");
      assertThat(names(locate())).containsExactlyInAnyOrder("config.json", "tokenizer.json",
          "model.safetensors.index.json", "m-1.safetensors", "m-2.safetensors");
      Files.delete(locate().resolve("m-2.safetensors"));
      sharded.requests.clear();
      assertThat(locate().resolve("m-2.safetensors")).hasContent("two");
      assertThat(sharded.requests).as("the blob is still there").hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"pytorch_model.bin,save_pretrained", "model-q8_0.gguf,download one (such as model-q8_0.gguf)",
      "weights.h5,not a model that can be served"})
  void refusesModelsWithoutSafetensors(String file, String message) throws IOException {
    hub.close();
    hub = new FakeHub(MODEL).file("config.json", "{}").file(file, "x");
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT).withMessageContaining(message);
    assertThat(cache.resolve("models--example--tiny-moe")).doesNotExist();
  }

  @Test
  void refusesAnIndexThatLeavesTheModel() throws IOException {
    hub.close();
    hub = new FakeHub(MODEL).file("config.json", "{}").file("../evil.safetensors", "x")
        .file("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../evil.safetensors\"}}");
    assertThatExceptionOfType(FailureException.class).isThrownBy(this::locate)
        .withMessageContaining("names the file ../evil.safetensors, which the model does not have");
  }

  @Test
  void offlineUsesTheCacheAlone() {
    HubSettings offline = new HubSettings(cache, hub.uri(), null, true, Duration.ZERO, Duration.ofSeconds(1));
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> new ModelLocator(offline).locate(MODEL, Progress.NONE))
        .withMessageContaining("HF_HUB_OFFLINE");
    assertThat(hub.requests).isEmpty();
    Path snapshot = locate();
    assertThat(new ModelLocator(offline).locate(MODEL, Progress.NONE)).isEqualTo(snapshot);
  }

  @Test
  void foldersAndFilesComeFirst() {
    assertThat(new ModelLocator(settings(null, Duration.ZERO)).locate(cache.toString(), Progress.NONE))
        .isEqualTo(cache);
    assertThat(hub.requests).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nowhere", "/no/where", "a/b/c", "../x", "a/..", "a/b.gguf", "", "a\0/b", "a b/c", "C:\\x"})
  void whatIsNoHubNameIsAMissingFile(String model) {
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> new ModelLocator(settings(null, Duration.ZERO)).locate(model, Progress.NONE))
        .matches(e -> e.category() == FailureCategory.NOT_FOUND).withMessageContaining("no such folder or file");
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void readsThePythonLibrarysVariables() throws IOException {
    Path home = cache;
    assertThat(HubSettings.from(Map.of(), home)).isEqualTo(new HubSettings(home.resolve(".cache/huggingface/hub"),
        URI.create("https://huggingface.co"), null, false, Duration.ofSeconds(1), Duration.ofSeconds(60)));
    Path hubHome = Files.createDirectory(home.resolve("hf"));
    Files.writeString(hubHome.resolve("token"), "hf_file\n");
    HubSettings settings = HubSettings.from(
        Map.of("HF_HOME", hubHome.toString(), "HF_ENDPOINT", "http://mirror/", "HF_HUB_OFFLINE", "1"), home);
    assertThat(settings.cache()).isEqualTo(hubHome.resolve("hub"));
    assertThat(settings.endpoint()).hasToString("http://mirror");
    assertThat(settings.token()).isEqualTo("hf_file");
    assertThat(settings.offline()).isTrue();
    settings = HubSettings.from(Map.of("HF_HUB_CACHE", "/c", "HF_TOKEN", "hf_env"), home);
    assertThat(settings.cache()).isEqualTo(Path.of("/c"));
    assertThat(settings.token()).isEqualTo("hf_env");
    assertThatExceptionOfType(FailureException.class).isThrownBy(
        () -> HubSettings.from(Map.of("HF_ENDPOINT", "not a url"), home)).withMessageContaining("HF_ENDPOINT");
  }

  private Path locate() {
    return locate((file, done, total) -> hub.arrived(file, done));
  }

  private Path locate(Progress progress) {
    return new ModelLocator(settings(null, Duration.ofSeconds(10))).locate(MODEL, progress);
  }

  private HubSettings settings(@Nullable String token, Duration stallTimeout) {
    return new HubSettings(cache, hub.uri(), token, false, Duration.ZERO, stallTimeout);
  }

  private List<String> weightRequests() {
    return hub.requests.stream().filter(request -> request.startsWith("GET " + WEIGHTS)).toList();
  }

  private static String range(int from) {
    return "GET %s bytes=%d-".formatted(WEIGHTS, from);
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    }
  }
}
