package io.expertmesh.model.hub;

import io.expertmesh.model.checkpoint.Disk;
import io.expertmesh.model.checkpoint.PickleFiles;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;

/**
 * Finds a model by folder, by GGUF file, or by hub name: first in the Hugging Face cache, then by downloading what
 * serving needs (configuration, tokenizer, safetensors) into it.
 */
public final class ModelLocator {
  private static final Pattern HUB_NAME = Pattern
      .compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}");
  private static final Pattern SMALL_FILES = Pattern.compile("config\\.json|generation_config\\.json|"
      + "tokenizer.*\\.json|tokenizer\\.model|special_tokens_map\\.json|added_tokens\\.json|chat_template.*");
  private static final int LISTING_TRIES = 4;

  private final HubSettings settings;

  public ModelLocator(HubSettings settings) {
    this.settings = settings;
  }

  /**
   * The local folder or file of {@code model}.
   *
   * @param model a folder, a file, or ORG/NAME
   * @throws FailureException {@code NOT_FOUND} if there is no such model or it needs a token, {@code UNAVAILABLE} if
   *     the hub cannot be reached or the disk is full (a later try goes on where this one stopped),
   *     {@code INVALID_CHECKPOINT} if it has no safetensors or arrives damaged
   */
  public Path locate(String model, Progress progress) {
    Optional<Path> local = existing(model);
    if (local.isPresent()) {
      return local.get();
    }
    if (!isHubName(model)) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          model + ": no such folder or file (a model of the hub is named ORG/NAME)");
    }
    HubCache cache = new HubCache(settings.cache(), model);
    Optional<Path> snapshot = cache.snapshot().filter(HubCache::hasModel);
    if (snapshot.isPresent() && (settings.offline() || Files.exists(snapshot.get().resolve(HubCache.TOKENIZER)))) {
      return snapshot.get();
    }
    if (settings.offline()) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "%s is not complete in %s, and HF_HUB_OFFLINE forbids downloading it".formatted(model, settings.cache()));
    }
    return download(model, cache, progress);
  }

  /** Whether {@code model} has the form ORG/NAME. */
  static boolean isHubName(String model) {
    return HUB_NAME.matcher(model).matches() && !model.contains("..") && !model.contains("--")
        && !model.endsWith(".gguf") && !model.endsWith(".safetensors");
  }

  private static Optional<Path> existing(String model) {
    try {
      return model.isBlank() ? Optional.empty() : Optional.of(Path.of(model)).filter(Files::exists);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private Path download(String model, HubCache cache, Progress progress) {
    try (HubClient client = new HubClient(settings)) {
      HubClient.Listing listing = list(client, model);
      refuseOtherWeights(model, listing);
      List<HubFile> small = listing.files().stream()
          .filter(file -> SMALL_FILES.matcher(file.name()).matches()).toList();
      bring(client, model, listing, cache, small, progress);
      Optional<HubFile> single = find(listing, HubCache.WEIGHTS);
      if (single.isPresent()) {
        bring(client, model, listing, cache, List.of(single.get()), progress);
      } else {
        bring(client, model, listing, cache, List.of(find(listing, HubCache.INDEX).orElseThrow()), progress);
        bring(client, model, listing, cache, shards(model, listing, cache), progress);
      }
      return cache.publish(listing.commit());
    }
  }

  private HubClient.Listing list(HubClient client, String model) {
    for (int tries = 1;; tries++) {
      try {
        return client.list(model);
      } catch (IOException e) {
        if (tries == LISTING_TRIES) {
          throw new FailureException(FailureCategory.UNAVAILABLE,
              "%s is neither here nor can it be downloaded: %s cannot be reached (%s)"
                  .formatted(model, settings.endpoint(),
                      e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()),
              e);
        }
        Retry.pause(settings.retryDelay().multipliedBy(tries));
      }
    }
  }

  private static void refuseOtherWeights(String model, HubClient.Listing listing) {
    if (find(listing, HubCache.CONFIG).isPresent() && (find(listing, HubCache.WEIGHTS).isPresent()
        || find(listing, HubCache.INDEX).isPresent())) {
      return;
    }
    List<String> gguf = listing.allNames().stream().filter(name -> name.endsWith(".gguf")).toList();
    if (!gguf.isEmpty()) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s holds GGUF files; download one (such as %s) and pass its path".formatted(model, gguf.getFirst()));
    }
    if (listing.allNames().stream().anyMatch(name -> PickleFiles.isPickle(Path.of(name)))) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s has only pickle weights, which can run code when they are loaded. Convert them where you trust them: %s"
              .formatted(model, PickleFiles.conversion(model, model.replace('/', '-'))));
    }
    throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
        "%s has no config.json with model.safetensors, so it is not a model that can be served".formatted(model));
  }

  private static List<HubFile> shards(String model, HubClient.Listing listing, HubCache cache) {
    HubFile index = find(listing, HubCache.INDEX).orElseThrow();
    try {
      List<HubFile> shards = new ArrayList<>();
      for (String name : HubCache.shards(cache.blob(index))) {
        shards.add(find(listing, name).orElseThrow(() -> new FailureException(FailureCategory.INVALID_CHECKPOINT,
            "%s of %s names the file %s, which the model does not have".formatted(HubCache.INDEX, model, name))));
      }
      return shards;
    } catch (IOException | JacksonException e) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s of %s cannot be read (%s)".formatted(HubCache.INDEX, model, e.getMessage()), e);
    }
  }

  private void bring(HubClient client, String model, HubClient.Listing listing, HubCache cache, List<HubFile> files,
      Progress progress) {
    long missing = 0;
    for (HubFile file : files) {
      if (!cache.hasBlob(file)) {
        missing += file.size() - partSize(cache.incomplete(file));
      }
    }
    Disk.requireSpace(settings.cache(), missing);
    for (HubFile file : files) {
      if (!cache.hasBlob(file)) {
        new Download(client, settings, model, listing.commit(), file, cache, progress).run();
      }
      cache.link(listing.commit(), file);
    }
  }

  private static long partSize(Path incomplete) {
    try {
      return Files.exists(incomplete) ? Files.size(incomplete) : 0;
    } catch (IOException e) {
      return 0;
    }
  }

  private static Optional<HubFile> find(HubClient.Listing listing, String name) {
    return listing.files().stream().filter(file -> file.name().equals(name)).findFirst();
  }
}
