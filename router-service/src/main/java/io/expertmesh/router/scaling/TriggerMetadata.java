package io.expertmesh.router.scaling;

import io.expertmesh.model.failure.FailureException;
import java.util.Map;

/** What a ScaledObject's trigger says, by name. */
record TriggerMetadata(Map<String, String> values) {
  /**
   * A whole number.
   *
   * @param otherwise if it is not said
   * @throws FailureException INVALID_REQUEST naming it
   */
  int number(String name, int otherwise, int least, int most) {
    String text = values.get(name);
    if (text == null) {
      return otherwise;
    }
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException noNumber) {
      // Said below.
    }
    throw FailureException.invalidParameter(name,
        "The trigger's '%s' is '%s'; it must be a whole number from %d to %d.".formatted(name, text, least, most));
  }
}
