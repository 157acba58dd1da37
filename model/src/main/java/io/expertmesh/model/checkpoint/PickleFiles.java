package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Pickle checkpoints can run code when they are loaded; they are refused with the command that converts them. */
public final class PickleFiles {
  private static final List<String> ENDINGS = List.of(".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle");

  private PickleFiles() {}

  /** Whether the name ends as those of pickles do. */
  public static boolean isPickle(Path file) {
    String name = file.getFileName() == null ? "" : file.getFileName().toString().toLowerCase(Locale.ROOT);
    return ENDINGS.stream().anyMatch(name::endsWith);
  }

  /** Refuses {@code folder} if the only weights in it are pickles. */
  static void refuseIn(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      files.filter(PickleFiles::isPickle).sorted().findFirst().ifPresent(file -> {
        throw refusal(file);
      });
    } catch (IOException e) {
      throw InvalidCheckpoint.in(folder, "cannot be listed (" + IoReason.of(e) + ")", e);
    }
  }

  /** The failure that refuses the pickle {@code file} of the model in the same folder. */
  static FailureException refusal(Path file) {
    Path folder = file.toAbsolutePath().normalize().resolveSibling("");
    return InvalidCheckpoint.in(file,
        "is a pickle, which can run code when it is loaded, and is not read. Convert it where you trust it: "
            + conversion(folder.toString(), folder + "-safetensors"));
  }

  /** The command that writes {@code model} (a folder or ORG/NAME) as safetensors to the folder {@code target}. */
  public static String conversion(String model, String target) {
    return """
        python3 -c "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; \
        M.from_pretrained('%1$s', torch_dtype='auto').save_pretrained('%2$s', safe_serialization=True); \
        T.from_pretrained('%1$s').save_pretrained('%2$s')\"""".formatted(model, target);
  }
}
