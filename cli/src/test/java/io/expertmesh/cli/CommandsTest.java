package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands on the demo model, in this JVM. */
class CommandsTest {
  private static final String DEMO = "../models/demo";
  private static final String QUESTION = "<|user|>\nWhat is 17 + 25?\n<|assistant|>\n";

  @TempDir
  private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"none", "q8_0"})
  void completeContinuesThePrompt(String quantization) {
    CommandLineRun run = CommandLineRun.of("complete", "--model", DEMO, "--temperature", "0", "--quantize",
        quantization, QUESTION);
    assertThat(run.err()).isEmpty();
    assertThat(run.out()).isEqualTo("17 + 25 = 42.\n");
    assertThat(run.exitCode()).isZero();
  }

  @Test
  void completeTakesTokenIdsAndStopsWhereTold() {
    String byText = CommandLineRun.of("complete", "--model", DEMO, "-t", "0", "-n", "4", "--stop", "17", "a").out();
    assertThat(CommandLineRun.of("complete", "--model", DEMO, "-t", "0", "-n", "4", "--prompt-ids", "69").out())
        .as("id 69 is the letter a").isEqualTo(byText);
    assertThat(CommandLineRun.of("complete", "--model", DEMO, "-t", "0", "--stop", " = ", QUESTION).out())
        .isEqualTo("17 + 25\n");
  }

  @Test
  void theSameSeedGivesTheSameText() {
    String[] command = {"complete", "--model", DEMO, "--seed", "7", "-n", "20", "Once upon a time"};
    assertThat(CommandLineRun.of(command).out()).isEqualTo(CommandLineRun.of(command).out());
  }

  @Test
  void chatAnswersLinesOfStandardInput() {
    InputStream stdin = System.in;
    String lines = "What is 17 + 25?\n/reset\nHow do you say river in French?\n/exit\nWho are you?\n";
    System.setIn(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)));
    try {
      CommandLineRun run = CommandLineRun.of("chat", "--model", DEMO, "--temperature", "0");
      assertThat(run.err()).isEmpty();
      assertThat(run.out()).isEqualTo("17 + 25 = 42.\nLa rivière.\n");
    } finally {
      System.setIn(stdin);
    }
  }

  @Test
  void aMistypedChatCommandIsNotAskedOfTheModel() {
    InputStream stdin = System.in;
    System.setIn(new ByteArrayInputStream("/rest\n".getBytes(StandardCharsets.UTF_8)));
    try {
      assertUserError(CommandLineRun.of("chat", "--model", DEMO), "/rest", "/help");
    } finally {
      System.setIn(stdin);
    }
  }

  @Test
  void inspectCountsParameters() {
    JsonNode summary = json(CommandLineRun.of("inspect", "--model", DEMO, "--json"));
    assertThat(summary.get("family").stringValue()).isEqualTo("olmoe");
    assertThat(summary.get("parameters").longValue()).isEqualTo(4_537_536);
    // 12 of 16 experts rest: 4 layers x 12 experts x 3 matrices of 96 x 192
    assertThat(summary.get("active_parameters").longValue()).isEqualTo(4_537_536 - 4 * 12 * 3 * 96 * 192);
    assertThat(summary.get("expert_group_bytes").longValue()).isEqualTo(2L * 4 * 3 * 96 * 192);
    assertThat(CommandLineRun.of("inspect", "--model", DEMO).out())
        .contains("16 in each of 4 layers", "model.layers.N.mlp.experts.E.up_proj.weight");
  }

  @Test
  void inspectDividesTheExpertsAmongShards() {
    JsonNode groups = json(CommandLineRun.of("inspect", "--model", DEMO, "--shards", "3", "--json"))
        .get("expert_groups");
    assertThat(groups.findValuesAsString("ids")).containsExactly("0-4", "5-9", "10-15");
    assertThat(groups.get(2).get("bytes").longValue()).isEqualTo(6 * 2L * 4 * 3 * 96 * 192);
    assertUserError(CommandLineRun.of("inspect", "--model", DEMO, "--shards", "17"), "16 experts make 1 to 16 groups");
  }

  @Test
  void inspectCountsExpertsInTheTypeThatProcessesHoldThemIn() {
    JsonNode held = json(CommandLineRun.of("inspect", "--model", DEMO, "--shards", "4", "--expert-dtype", "q8_0",
        "--json"));
    assertThat(held.get("expert_group_bytes").longValue()).isEqualTo(4L * 3 * 96 * 192 * 34 / 32);
    assertThat(held.get("expert_groups").get(3).get("bytes").longValue()).isEqualTo(4 * 4L * 3 * 96 * 192 * 34 / 32);
    assertThat(held.get("bytes")).as("of the checkpoint")
        .isEqualTo(json(CommandLineRun.of("inspect", "--model", DEMO, "--json")).get("bytes"));
    assertThat(CommandLineRun.of("inspect", "--model", DEMO, "--expert-dtype", "f16").out())
        .contains("expert groups held as F16: 16 of one id");
    JsonNode olmoe = json(CommandLineRun.of("inspect", "--like", "allenai/OLMoE-1B-7B-0924", "--expert-dtype", "q4_0",
        "--json"));
    assertThat(olmoe.get("expert_group_bytes").longValue()).isEqualTo(16L * 3 * 2048 * 1024 * 18 / 32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"expert --experts all", "cluster --shards 2", "bench --cluster", "inspect"})
  void anUnknownTypeIsRefusedWithThoseThatThereAre(String command) {
    assertUserError(CommandLineRun.of((command + " --expert-dtype q5_1").split(" ")),
        "'--expert-dtype'", "[stored, q8_0, q4_0, f16, bf16]", "'q5_1'");
  }

  @Test
  void typesThatCannotBeAreRefusedBeforeAnythingStarts() {
    for (String command : List.of("cluster", "expert --experts all")) {
      assertUserError(
          CommandLineRun.of((command + " --model " + DEMO + " --numerics exact --expert-dtype q8_0").split(" ")),
          "--numerics exact", "--expert-dtype q8_0", "bf16");
      assertUserError(
          CommandLineRun
              .of((command + " --model " + "../model/src/test/resources/golden/olmoe-base-f32" + " --expert-dtype q4_0")
                  .split(" ")),
          "--expert-dtype q4_0 has blocks of 32", "hidden size 48");
    }
    assertUserError(CommandLineRun.of("bench", "--model", DEMO, "--expert-dtype", "q8_0"), "--cluster");
    assertUserError(
        CommandLineRun.of(("cluster --model " + DEMO + " --auto --expert-dtype q8_0,stored").split(" ")),
        "--expert-dtype is [q8_0, stored]", "--auto");
  }

  static List<Path> goldenCheckpoints() throws IOException {
    Path golden = Path.of("../model/src/test/resources/golden");
    try (var folders = Files.list(golden); var files = Files.list(golden.resolve("gguf"))) {
      return Stream.concat(folders.filter(folder -> Files.exists(folder.resolve("reference.json"))
          && Files.exists(folder.resolve("config.json"))),
          files.filter(file -> file.toString().endsWith(".gguf"))).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("goldenCheckpoints")
  void inspectKnowsEveryFamily(Path checkpoint) {
    JsonNode summary = json(CommandLineRun.of("inspect", "--model", checkpoint.toString(), "--json"));
    assertThat(summary.get("recognised").booleanValue()).isTrue();
    assertThat(summary.get("active_parameters").longValue())
        .isBetween(1L, summary.get("parameters").longValue());
    assertThat(summary.get("active_bytes").longValue()).isBetween(1L, summary.get("bytes").longValue());
    assertThat(summary.get("cache_bytes_per_token").longValue()).isPositive();
    assertThat(summary.get("layer_kinds")).isNotEmpty();
    long experts = 0;
    for (JsonNode group : summary.get("expert_groups")) {
      experts += group.get("bytes").longValue();
    }
    assertThat(experts).isEqualTo(summary.get("bytes").longValue() - summary.get("shared_bytes").longValue());
    assertThat(CommandLineRun.of("inspect", "--model", checkpoint.toString()).out())
        .contains("every tensor is recognised");
  }

  @Test
  void inspectKnowsReleasesByTheirConfiguration() {
    JsonNode v3 = json(CommandLineRun.of("inspect", "--like", "deepseek-ai/DeepSeek-V3", "--shards", "16", "--json"));
    assertThat(v3.get("parameters").longValue()).isEqualTo(671_026_419_200L);
    assertThat(v3.get("cache").stringValue()).isEqualTo("latent");
    assertThat(v3.get("cache_bytes_per_token").longValue()).isEqualTo(61L * 576 * 4);
    assertThat(v3.get("layer_kinds").get(0).get("layers").stringValue()).isEqualTo("0-2");
    assertThat(v3.get("expert_groups")).hasSize(16);
    JsonNode oss = json(CommandLineRun.of("inspect", "--like", "openai/gpt-oss-20b", "--json"));
    assertThat(oss.get("bytes").longValue() / 1e9).as("13.8 GB on the hub").isBetween(13.6, 13.9);
    assertThat(oss.get("layer_kinds").get(0).get("parts").stringValue()).contains("window of 128", "32 experts");
    assertThat(CommandLineRun.of("inspect", "--like", "facebook/nllb-moe-54b").out())
        .contains("encoder 3, 7, 11, 15, 19, 23: attention", "decoder 0-2", "for one of the encoder's input");
  }

  @Test
  void inspectReportsAWrongCheckpoint() throws IOException {
    Path model = folder.resolve("wrong");
    CommandLineRun.of("synth", "--like", DEMO, "--out", model.toString());
    String config = Files.readString(model.resolve("config.json"));
    Files.writeString(model.resolve("config.json"), config.replace("\"num_hidden_layers\" : 4",
        "\"num_hidden_layers\" : 3"));
    CommandLineRun fewer = CommandLineRun.of("inspect", "--model", model.toString());
    assertThat(fewer.exitCode()).isEqualTo(1);
    assertThat(fewer.out()).contains("it cannot be served", "unknown: ", "  model.layers.3.");
    Files.writeString(model.resolve("config.json"), config.replace("\"num_hidden_layers\" : 4",
        "\"num_hidden_layers\" : 5"));
    CommandLineRun more = CommandLineRun.of("inspect", "--model", model.toString(), "--json");
    assertThat(more.exitCode()).isEqualTo(1);
    assertThat(JsonMapper.shared().readTree(more.out()).get("missing").get(0).stringValue())
        .startsWith("model.layers.4.");
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"bert\"}");
    CommandLineRun bert = CommandLineRun.of("inspect", "--model", model.toString());
    assertThat(bert.exitCode()).isEqualTo(1);
    assertThat(bert.err()).startsWith("expertmesh: model_type \"bert\" is not supported").hasLineCount(1);
  }

  @Test
  void benchReportsMediansAndSamples() {
    JsonNode report = json(CommandLineRun.of("bench", "--model", DEMO, "--prompt", "16", "--generate", "4", "--batch",
        "2", "--repeat", "2", "--threads", "1", "--json"));
    double first = report.get("decode_samples").get(0).doubleValue();
    double second = report.get("decode_samples").get(1).doubleValue();
    assertThat(report.get("decode_tokens_per_s").doubleValue()).isEqualTo((first + second) / 2).isPositive();
    assertThat(report.get("prefill_samples")).hasSize(2);
    assertThat(report.get("kernels").stringValue()).startsWith("vector-");
    assertThat(report.get("threads").intValue()).isEqualTo(1);
    assertThat(report.get("machine").get("cores").intValue()).isPositive();
  }

  @Test
  void aConvertedModelGivesTheSameAnswer() {
    Path gguf = folder.resolve("demo.gguf");
    assertThat(CommandLineRun.of("convert", "--model", DEMO, "--out", gguf.toString()).exitCode()).isZero();
    assertThat(json(CommandLineRun.of("inspect", "--model", gguf.toString(), "--json")).get("parameters").longValue())
        .isEqualTo(4_537_536);
    assertThat(CommandLineRun.of("complete", "--model", gguf.toString(), "-t", "0", QUESTION).out())
        .isEqualTo("17 + 25 = 42.\n");
  }

  @Test
  void aT5xArchiveBecomesAFolder() {
    String golden = "../model/src/test/resources/golden/openmoe-drop-f32/";
    Path out = folder.resolve("openmoe");
    CommandLineRun run = CommandLineRun.of("convert", "--t5x", golden + "t5x/weights.npz", "--config",
        golden + "config.json", "--out", out.toString());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(json(CommandLineRun.of("inspect", "--model", out.toString(), "--json")).get("hidden_size").intValue())
        .isEqualTo(32);
    assertUserError(CommandLineRun.of("convert", "--t5x", golden + "t5x/weights.npz", "--out", out.toString()),
        "--config");
  }

  @Test
  void synthWritesTheShapeItWasGiven() {
    Path gguf = folder.resolve("like-demo.gguf");
    CommandLineRun run = CommandLineRun.of("synth", "--like", DEMO, "--dtype", "q4_0", "--out", gguf.toString());
    assertThat(run.err()).isEmpty();
    assertThat(json(CommandLineRun.of("inspect", "--model", gguf.toString(), "--json")).get("hidden_size").intValue())
        .isEqualTo(192);
  }

  @Test
  void synthSaysTheSizeAndListsTheReleases() {
    Path out = folder.resolve("switch");
    CommandLineRun run = CommandLineRun.of("synth", "--like", "../model/src/test/resources/translation/tiny-nllb",
        "--layers", "1", "--dtype", "f32", "--out", out.toString());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains(" parameters, ").endsWith(out + "\n");
    assertThat(CommandLineRun.of("synth", "--help").out().replaceAll("\\s+", " "))
        .contains("google/switch-base-8, ", "deepseek-ai/DeepSeek-V3, ");
    assertUserError(CommandLineRun.of("synth", "--like", "openai/gpt-oss-20b", "--layers", "25", "--out",
        out.toString()), "--layers is 25; openai/gpt-oss-20b has 1 to 24");
    CommandLineRun large = CommandLineRun.of("synth", "--like", "deepseek-ai/DeepSeek-V3", "--out",
        folder.resolve("v3").toString());
    assertThat(large.exitCode()).isEqualTo(2);
    assertThat(large.out()).isEqualTo("deepseek-ai/DeepSeek-V3: 671,026,419,200 parameters, 1249.9 GiB\n");
    assertThat(large.err()).contains("MiB are needed, but the disk has");
  }

  @Test
  void aModelWithAnEncoderCompletesAndIsMeasuredAndDoesNotChat() {
    String nllb = "../model/src/test/resources/translation/tiny-nllb";
    CommandLineRun text = CommandLineRun.of("complete", "--model", nllb, "-t", "0", "-n", "8", "the river");
    assertThat(text.exitCode()).as(text.err()).isZero();
    assertThat(text.out()).isNotBlank();
    assertThat(CommandLineRun.of("complete", "--model", nllb, "-t", "0", "-n", "8", "a house in the city").out())
        .as("the encoder reads the prompt").isNotEqualTo(text.out());
    JsonNode report = json(CommandLineRun.of("bench", "--model", nllb, "--prompt", "16", "--generate", "4",
        "--repeat", "1", "--threads", "1", "--json"));
    assertThat(report.get("decode_tokens_per_s").doubleValue()).isPositive();
    assertUserError(CommandLineRun.of("chat", "--model", nllb), "has an encoder", "expertmesh complete");
  }

  @Test
  void anUnknownFolderIsAUserError() {
    assertUserError(CommandLineRun.of("complete", "--model", "no/such/folder/here", "Hello"), "no/such/folder/here");
    assertUserError(CommandLineRun.of("serve", "--model", folder.resolve("nothing").toString()), "nothing");
  }

  @Test
  void aPickleIsRefusedWithTheWayOut() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"olmoe\"}");
    Files.write(folder.resolve("pytorch_model.bin"), new byte[]{(byte) 0x80, 2});
    assertUserError(CommandLineRun.of("serve", "--model", folder.toString()), "pytorch_model.bin", "save_pretrained");
  }

  @Test
  void anUnsupportedFamilyNamesThoseThatAreSupported() throws IOException {
    try (var files = Files.list(Path.of(DEMO))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    Path config = folder.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"olmoe\"", "\"gpt2\""));
    assertUserError(CommandLineRun.of("complete", "--model", folder.toString(), "Hello"), "gpt2", "olmoe");
  }

  @Test
  void aBusyPortIsAUserError() throws IOException {
    try (ServerSocket busy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(busy.getLocalPort());
      assertUserError(CommandLineRun.of("serve", "--model", DEMO, "--port", port), port, "in use");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
          "complete --prompt-ids 5,1024",
          "complete --prompt-ids -1",
          "complete --max-tokens -5 Hello",
          "complete --temperature NaN Hello",
          "complete --temperature -1 Hello",
          "complete --threads 0 Hello",
          "bench --repeat 0",
          "bench --prompt 2000",
          "serve --port 70000",
          "serve --port 0 --host no-such-host.invalid",
          "serve --config no-such-file.yaml"})
  void wrongValuesAreUserErrors(String arguments) {
    String[] parts = (arguments + " --model " + DEMO).split(" ");
    assertUserError(CommandLineRun.of(parts));
  }

  private static void assertUserError(CommandLineRun run, String... parts) {
    assertThat(run.err().lines()).singleElement().asString().startsWith("expertmesh: ");
    for (String part : parts) {
      assertThat(run.err()).contains(part);
    }
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
  }

  private static JsonNode json(CommandLineRun run) {
    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).isZero();
    return JsonMapper.shared().readTree(run.out());
  }
}
