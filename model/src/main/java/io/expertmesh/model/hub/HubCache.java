package io.expertmesh.model.hub;

import io.expertmesh.model.checkpoint.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One model's folder in the Hugging Face cache: {@code refs/main} names a commit, {@code snapshots/COMMIT/FILE} are
 * links to {@code blobs/CHECKSUM}. Shared with Python's {@code huggingface_hub}.
 */
final class HubCache {
  static final String CONFIG = "config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String TOKENIZER = "tokenizer.json";

  private final Path folder;
  private final Path locks;

  HubCache(Path cache, String model) {
    String name = "models--" + model.replace("/", "--");
    this.folder = cache.resolve(name);
    this.locks = cache.resolve(".locks").resolve(name);
  }

  /** The folder of the commit that {@code refs/main} names, if both are there. */
  Optional<Path> snapshot() {
    try {
      String commit = Files.readString(folder.resolve("refs").resolve("main")).strip();
      Path snapshot = folder.resolve("snapshots").resolve(commit);
      return commit.matches("[0-9a-f]{40}") && Files.isDirectory(snapshot) ? Optional.of(snapshot) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Whether configuration and all weights are in {@code snapshot}. */
  static boolean hasModel(Path snapshot) {
    if (!Files.isRegularFile(snapshot.resolve(CONFIG))) {
      return false;
    }
    if (Files.isRegularFile(snapshot.resolve(WEIGHTS))) {
      return true;
    }
    try {
      Set<String> shards = shards(snapshot.resolve(INDEX));
      return !shards.isEmpty() && shards.stream().allMatch(shard -> Files.isRegularFile(snapshot.resolve(shard)));
    } catch (IOException | JacksonException e) {
      return false;
    }
  }

  /** Names of the files that an index spreads the tensors over. */
  static Set<String> shards(Path index) throws IOException {
    Set<String> shards = new LinkedHashSet<>();
    for (JsonNode shard : JsonMapper.shared().readTree(Files.readAllBytes(index)).path("weight_map")) {
      shards.add(shard.asString(""));
    }
    return shards;
  }

  boolean hasBlob(HubFile file) {
    return Files.isRegularFile(blob(file));
  }

  Path blob(HubFile file) {
    return folder.resolve("blobs").resolve(file.checksum());
  }

  /** Where a blob grows until it is whole and checked. */
  Path incomplete(HubFile file) {
    return folder.resolve("blobs").resolve(file.checksum() + ".incomplete");
  }

  /** Held by whoever downloads {@code file}. */
  Path lock(HubFile file) {
    return locks.resolve(file.checksum() + ".lock");
  }

  /** Gives the blob of {@code file} its name in the snapshot of {@code commit}. */
  Path link(String commit, HubFile file) {
    Path snapshot = folder.resolve("snapshots").resolve(commit);
    Path link = snapshot.resolve(file.name());
    if (Files.isRegularFile(link)) {
      return link;
    }
    try {
      Files.createDirectories(snapshot);
      Files.deleteIfExists(link);
      try {
        Files.createSymbolicLink(link, snapshot.relativize(blob(file)));
      } catch (IOException | UnsupportedOperationException e) {
        // File systems and users without links get copies, as in Python.
        Disk.write(link, temporary -> Files.copy(blob(file), temporary, StandardCopyOption.REPLACE_EXISTING));
      }
      return link;
    } catch (IOException e) {
      throw Disk.failure(link, e);
    }
  }

  /** Makes {@code commit} what {@link #snapshot} finds. */
  Path publish(String commit) {
    Disk.write(folder.resolve("refs").resolve("main"), temporary -> Files.writeString(temporary, commit));
    return folder.resolve("snapshots").resolve(commit);
  }
}
