package io.expertmesh.expert.compute;

import io.expertmesh.model.family.ModelExperts;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says what experts take before they are loaded, and how far loading is while it takes long. */
final class LoadingLog {
  private static final Logger log = LoggerFactory.getLogger(LoadingLog.class);
  private static final Duration PERIOD = Duration.ofSeconds(5);

  private final ModelExperts model;
  private final int experts;
  private final long bytes;
  private int loaded;
  private long loadedBytes;
  private long saidNanos = System.nanoTime();

  private LoadingLog(ModelExperts model, int experts, long bytes) {
    this.model = model;
    this.experts = experts;
    this.bytes = bytes;
  }

  /**
   * @param keepsWeights whether the device computes from this process's memory
   */
  static LoadingLog begin(ModelExperts model, List<Integer> ids, boolean keepsWeights) {
    long bytes = ids.stream().mapToLong(model::bytes).sum();
    long own = ids.stream().mapToLong(model::ownBytes).sum();
    if (!ids.isEmpty()) {
      String where = "mapped from the checkpoint";
      if (!keepsWeights) {
        where = "copied to the device";
      } else if (own > 0) {
        where = "of which " + size(own) + " are written to memory of their own";
      }
      log.info("Loading {} experts of {} layers: {} held as {}, {}{}", ids.size(),
          model.architecture().moeLayers().size(), size(bytes), model.heldDtype(), where,
          model.isConverted() ? ", converted from the model's " + model.dtype() : "");
    }
    return new LoadingLog(model, ids.size(), bytes);
  }

  void loaded(int id) {
    loaded++;
    loadedBytes += model.bytes(id);
    if (System.nanoTime() - saidNanos >= PERIOD.toNanos()) {
      saidNanos = System.nanoTime();
      log.info("Loaded {} of {} experts, {} of {}", loaded, experts, size(loadedBytes), size(bytes));
    }
  }

  private static String size(long bytes) {
    return String.format(Locale.ROOT, "%,.1f MiB", bytes / (double) (1 << 20));
  }
}
