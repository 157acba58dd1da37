package io.expertmesh.cli.simulate;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON as the simulator writes and reads it: names in snake case, nothing unknown, nothing missing. */
public final class SimulationJson {
  /** On one line. */
  public static final JsonMapper LINE = JsonMapper.builder()
      .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
      .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
      .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES).build();

  /** On many. */
  public static final JsonMapper FILE = LINE.rebuild().enable(SerializationFeature.INDENT_OUTPUT).build();

  private SimulationJson() {}
}
