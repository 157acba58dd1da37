package io.expertmesh.expert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExpertIdsTest {
  @Test
  void readsIdsRangesAndWords() {
    assertThat(ExpertIds.parse("0-3").initially(16)).containsExactly(0, 1, 2, 3);
    assertThat(ExpertIds.parse("12, 4-5,4").initially(16)).containsExactly(4, 5, 12);
    assertThat(ExpertIds.parse("all").initially(3)).containsExactly(0, 1, 2);
    assertThat(ExpertIds.parse("auto").initially(3)).isEqualTo(List.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "3-1", "1,,2", "-1", "1-", "999999"})
  void refusesTheRest(String text) {
    assertThatThrownBy(() -> ExpertIds.parse(text)).isInstanceOf(FailureException.class)
        .hasMessageContaining("--experts is '" + text + "'");
  }

  @Test
  void refusesExpertsThatTheModelDoesNotHave() {
    assertThatThrownBy(() -> ExpertIds.parse("8-16").initially(16)).isInstanceOf(FailureException.class)
        .hasMessage("there is no expert 16; the model has 16, 0 to 15");
  }
}
