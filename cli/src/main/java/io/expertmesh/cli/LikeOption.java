package io.expertmesh.cli;

import io.expertmesh.cli.inspect.Inspection;
import io.expertmesh.kernels.DType;
import io.expertmesh.model.release.Releases;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The shape of a model in place of a model. */
final class LikeOption {
  @Option(
      names = "--like",
      paramLabel = "MODEL",
      description = "A release that 'expertmesh synth --help' lists, or a folder with a config.json: its shape, without "
          + "weights.")
  private @Nullable String like;

  /** Null if a model is meant that is there. */
  @Nullable
  String like() {
    return like;
  }

  /**
   * That shape, or that of {@code source}.
   *
   * @param shards whose parts are to be shown
   * @param dtype that experts are held in; null for the model's
   */
  Inspection inspect(ModelSource source, @Nullable Integer shards, @Nullable DType dtype) {
    return like == null
        ? Inspection.of(source.checkpoint(), shards, dtype)
        : Inspection.of(Releases.find(like), shards, dtype);
  }
}
