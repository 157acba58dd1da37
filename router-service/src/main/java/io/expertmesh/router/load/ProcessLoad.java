package io.expertmesh.router.load;

import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.LoadReport;
import java.util.SortedMap;
import java.util.TreeMap;

/** The rows that one process computed, by layer. */
public final class ProcessLoad {
  private final TreeMap<Integer, RateWindow> byLayer = new TreeMap<>();

  public void add(LoadReport report, long nanos) {
    for (ExpertLoad load : report.getExpertsList()) {
      byLayer.computeIfAbsent(load.getLayer(), layer -> new RateWindow(nanos)).add(load.getRows(), nanos);
    }
  }

  /** Rows a second of all layers. */
  public double perSecond(long nanos) {
    double sum = 0;
    for (RateWindow window : byLayer.values()) {
      sum += window.perSecond(nanos);
    }
    return sum;
  }

  /** Rows a second by layer. */
  public SortedMap<Integer, Double> byLayer(long nanos) {
    SortedMap<Integer, Double> rates = new TreeMap<>();
    byLayer.forEach((layer, window) -> rates.put(layer, window.perSecond(nanos)));
    return rates;
  }
}
