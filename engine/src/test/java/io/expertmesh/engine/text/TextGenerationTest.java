package io.expertmesh.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.release.Release;
import io.expertmesh.model.release.Releases;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** With a SentencePiece vocabulary, in which a space belongs to the word after it. */
class TextGenerationTest {
  private static final Path MODEL_RESOURCES = Path.of("../model/src/test/resources");

  @TempDir
  private Path folder;

  private EmbeddedModel model;

  @BeforeEach
  void open() throws IOException {
    Path golden = MODEL_RESOURCES.resolve("golden/mixtral-full-f32");
    ObjectNode config = (ObjectNode) Releases.find(golden.toString()).config().deepCopy();
    config.put("vocab_size", 600);
    Path checkpoint = folder.resolve("model");
    new Release("tiny", config, golden.resolve("config.json"), null).synth(DType.F32, false)
        .write(checkpoint, Progress.NONE);
    Files.delete(checkpoint.resolve("tokenizer.json"));
    Files.delete(checkpoint.resolve("tokenizer_config.json"));
    try (InputStream pieces = new GZIPInputStream(
        Files.newInputStream(MODEL_RESOURCES.resolve("tokenizers/bpe/model.gz")))) {
      Files.copy(pieces, checkpoint.resolve("tokenizer.model"));
    }
    model = EmbeddedModel.open(Checkpoint.open(checkpoint), "tiny", List.of(), Numerics.EXACT, 1);
  }

  @AfterEach
  void close() {
    model.close();
  }

  @Test
  void aContinuationKeepsTheSpaceAfterThePrompt() throws InterruptedException {
    int[] prompt = model.served().tokenizer().encode("the router", true);

    assertThat(text(prompt, true)).isEqualTo(" the the");
    assertThat(text(prompt, false)).as("an answer of its own").isEqualTo("the the");
  }

  @Test
  void nothingIsContinuedAfterSpecialTokensAlone() throws InterruptedException {
    int[] begin = model.served().tokenizer().encode("", true);

    assertThat(begin).hasSize(1);
    assertThat(text(begin, true)).isEqualTo("the the");
  }

  /** Two tokens, each made to be "▁the". */
  private String text(int[] prompt, boolean continues) throws InterruptedException {
    int the = model.served().tokenizer().encode("the", false)[0];
    SamplingParameters sampling = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(the, 100f), null);
    GenerationRequest request = new GenerationRequest("test", prompt, 2, sampling, Set.of(), -1, -1, false, null);
    StringBuilder text = new StringBuilder();
    try (TextGeneration generation = TextGeneration.start(model.served().engine(), model.served().tokenizer(), request,
        List.of(), continues)) {
      while (true) {
        TextEvent event = generation.next(Duration.ofSeconds(10));
        if (event instanceof TextEvent.Delta delta) {
          text.append(delta.text());
        } else if (!(event instanceof TextEvent.Prompt)) {
          return text.toString();
        }
      }
    }
  }
}
