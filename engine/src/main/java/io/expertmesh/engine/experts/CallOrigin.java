package io.expertmesh.engine.experts;

import io.expertmesh.engine.watch.LayerWatch;
import io.expertmesh.engine.watch.RequestWatch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * For whom experts are called: nothing that changes what they compute.
 *
 * @param requests ids of requests with rows in the step, for logs; at most {@value #MOST_REQUESTS}
 * @param watches of those requests of the step that are watched
 * @param layer watches the layer; null if nobody does
 */
public record CallOrigin(List<String> requests, List<RequestWatch> watches, @Nullable LayerWatch layer) {
  /** A log that names more helps nobody. */
  public static final int MOST_REQUESTS = 4;

  /** Nobody in particular. */
  public static final CallOrigin NONE = new CallOrigin(List.of(), List.of(), null);

  public CallOrigin {
    requests = List.copyOf(requests);
    watches = List.copyOf(watches);
  }

  /** The same, watched in one layer. */
  public CallOrigin in(@Nullable LayerWatch watched) {
    return new CallOrigin(requests, watches, watched);
  }
}
