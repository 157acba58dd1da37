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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
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
