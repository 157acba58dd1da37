package io.expertmesh.router.load;

import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.ExpertRate;
import io.expertmesh.proto.v1.LoadReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The rows of all processes together, by the model's version, layer and expert. */
public final class ExpertRates {
  /** Layers times experts; what is beyond is not counted. */
  private static final int MAX_WINDOWS = 1 << 17;

  private record Place(int layer, int expert) implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      return layer != other.layer ? Integer.compare(layer, other.layer) : Integer.compare(expert, other.expert);
    }
  }

  private final Map<String, TreeMap<Place, RateWindow>> byVersion = new HashMap<>();

  public void add(String version, LoadReport report, long nanos) {
    TreeMap<Place, RateWindow> windows = byVersion.computeIfAbsent(version, _ -> new TreeMap<>());
    for (ExpertLoad load : report.getExpertsList()) {
      Place place = new Place(load.getLayer(), load.getExpertId());
      RateWindow window = windows.get(place);
      if (window == null && windows.size() < MAX_WINDOWS) {
        window = new RateWindow(nanos);
        windows.put(place, window);
      }
      if (window != null) {
        window.add(load.getRows(), nanos);
      }
    }
  }

  /** Forgets the versions that no process has any more. */
  public void keepOnly(Set<String> versions) {
    byVersion.keySet().retainAll(versions);
  }

  /** Rows a second of a version's experts, all layers together. */
  public Map<Integer, Double> byExpert(String version, long nanos) {
    Map<Integer, Double> rates = new HashMap<>();
    byVersion.getOrDefault(version, new TreeMap<>())
        .forEach((place, window) -> rates.merge(place.expert(), window.perSecond(nanos), Double::sum));
    return rates;
  }

  /** Rows a second of all versions together, by layer, then by expert; those without load are left out. */
  public List<ExpertRate> all(long nanos) {
    TreeMap<Place, Double> sums = new TreeMap<>();
    for (TreeMap<Place, RateWindow> windows : byVersion.values()) {
      windows.forEach((place, window) -> sums.merge(place, window.perSecond(nanos), Double::sum));
    }
    List<ExpertRate> rates = new ArrayList<>();
    sums.forEach((place, rate) -> {
      if (rate > 0) {
        rates.add(ExpertRate.newBuilder().setLayer(place.layer()).setExpertId(place.expert()).setRowsPerSecond(rate)
            .build());
      }
    });
    return rates;
  }
}
