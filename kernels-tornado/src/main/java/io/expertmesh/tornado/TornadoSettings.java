package io.expertmesh.tornado;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;

/** The TornadoVM properties that this module depends on. TornadoVM reads them once, when its first class loads. */
final class TornadoSettings {
  private static final String BAILOUT = "tornado.recover.bailout";
  private static final String MEMORY = "tornado.device.memory";
  private static final String UNITS = "KMGTPE";

  private TornadoSettings() {}

  /**
   * Sets what is not set: kernels that cannot be compiled are errors, instead of running as Java, where they compute
   * something else; and the device's memory is the limit, instead of 4 GB.
   *
   * @throws FailureException INVALID_REQUEST if the properties say something else
   */
  static void apply() {
    if (System.getProperty(BAILOUT) == null) {
      System.setProperty(BAILOUT, "False");
    }
    if (Boolean.parseBoolean(System.getProperty(BAILOUT))) {
      throw FailureException.invalidParameter("--backend", """
          -D%s=True lets kernels that cannot be compiled compute wrong results in silence: leave it out, or set it to \
          False""".formatted(BAILOUT));
    }
    if (System.getProperty(MEMORY) == null) {
      System.setProperty(MEMORY, "1024TB");
    }
    memoryBytes();
  }

  /** What -Dtornado.device.memory allows, in bytes. */
  static long memoryBytes() {
    String text = System.getProperty(MEMORY, "4GB");
    try {
      String number = text.endsWith("B") ? text.substring(0, text.length() - 1) : text;
      int unit = number.isEmpty() ? -1 : UNITS.indexOf(number.charAt(number.length() - 1));
      return Math.multiplyExact(Long.parseLong(unit < 0 ? number : number.substring(0, number.length() - 1)),
          1L << (10 * (unit + 1)));
    } catch (NumberFormatException | ArithmeticException e) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "-D%s is '%s', not a size such as 16GB".formatted(MEMORY, text), e);
    }
  }
}
