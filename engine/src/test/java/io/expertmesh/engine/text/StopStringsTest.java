package io.expertmesh.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StopStringsTest {
  @Test
  void withoutStopStringsEverythingIsReleasedAtOnce() {
    StopStrings stops = new StopStrings(List.of());
    assertThat(stops.append("abc")).isEqualTo("abc");
    assertThat(stops.flush()).isEmpty();
    assertThat(stops.reached()).isFalse();
  }

  @Test
  void textThatMightBeginAStopStringIsHeldBack() {
    StopStrings stops = new StopStrings(List.of("END"));
    assertThat(stops.append("abE")).isEqualTo("ab");
    assertThat(stops.append("N")).isEmpty();
    assertThat(stops.append("E")).isEqualTo("EN");
    assertThat(stops.append("x")).isEqualTo("Ex");
    assertThat(stops.append("E")).isEmpty();
    assertThat(stops.flush()).isEqualTo("E");
  }

  @Test
  void theEarliestStopStringWinsAndNothingFollowsIt() {
    StopStrings stops = new StopStrings(List.of("world", "lo w"));
    assertThat(stops.append("hello world")).isEqualTo("hel");
    assertThat(stops.reached()).isTrue();
    assertThat(stops.append("more")).isEmpty();
    assertThat(stops.flush()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"aabaabaac, aabaac, aab", "xxxy, xxy, x", "abcabcabd, abcabd, abc", "no stop here, zz, no stop here"})
  void letterByLetterGivesWhatTheWholeTextGives(String text, String stop, String expected) {
    StopStrings stops = new StopStrings(List.of(stop));
    StringBuilder released = new StringBuilder();
    for (String letter : text.split("")) {
      released.append(stops.append(letter));
    }
    released.append(stops.flush());
    assertThat(released.toString()).isEqualTo(expected);
    assertThat(stops.reached()).isEqualTo(text.contains(stop));
  }
}
