package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.util.unit.DataSize;

class GatewayConfigurationTest {
  @TempDir
  private Path folder = Path.of("");

  @Test
  void everythingHasADefault() {
    GatewayConfiguration configuration = GatewayConfiguration.read(Map.of(), null);
    assertThat(configuration.host()).isEqualTo("127.0.0.1");
    assertThat(configuration.port()).isEqualTo(8080);
    assertThat(configuration.keys()).isEmpty();
    assertThat(configuration.maxBody()).isEqualTo(DataSize.ofMegabytes(4));
    assertThat(configuration.shutdownTimeout()).isEqualTo(Duration.ofSeconds(30));
    assertThat(configuration.unavailablePolicy()).isEqualTo(UnavailablePolicy.STRICT);
  }

  @Test
  void optionsWinOverTheFile() throws Exception {
    Path file = folder.resolve("expertmesh.yaml");
    Files.writeString(file, """
        expertmesh:
          port: 9000
          max-body: 1MB
          keep-alive: 5s
          keys:
            - name: me
              hash: sha256:%s
              requests-per-minute: 60
        """.formatted("ab".repeat(32)));
    GatewayConfiguration configuration = GatewayConfiguration.read(Map.of("expertmesh.port", 9001), file);
    assertThat(configuration.port()).isEqualTo(9001);
    assertThat(configuration.maxBody()).isEqualTo(DataSize.ofMegabytes(1));
    assertThat(configuration.keepAlive()).isEqualTo(Duration.ofSeconds(5));
    assertThat(configuration.keys().getFirst().requestsPerMinute()).isEqualTo(60);
    assertThat(configuration.keys().getFirst().tokensPerMinute()).isNull();
  }

  @ParameterizedTest
  @CsvSource({"port, x", "port, 70000", "port, -1", "max-body, big", "max-body, 0", "keep-alive, soon",
      "keep-alive, 0s", "shutdown-timeout, -1s", "shutdown-delay, -1s", "max-answers, 0", "unavailable-policy, hope",
      "keys[0].name, me"})
  void aWrongValueNamesItsSetting(String name, String value) {
    assertThatThrownBy(() -> GatewayConfiguration.read(Map.of("expertmesh." + name, value), null))
        .isInstanceOf(FailureException.class)
        .hasMessageContaining(name.startsWith("keys") ? "key" : name);
  }

  @Test
  void aHashThatIsNoneIsExplained() {
    Map<String, String> plainKey = Map.of("expertmesh.keys[0].name", "me", "expertmesh.keys[0].hash", "secret");
    assertThatThrownBy(() -> GatewayConfiguration.read(plainKey, null))
        .isInstanceOf(FailureException.class)
        .hasMessageContaining("'me'")
        .hasMessageContaining("sha256sum")
        .hasMessageNotContaining("secret");
  }

  @Test
  void aMisspeltSettingInTheFileIsRefused() throws Exception {
    Path file = folder.resolve("expertmesh.yaml");
    Files.writeString(file, "expertmesh:\n  prot: 9000\n");
    assertThatThrownBy(() -> GatewayConfiguration.read(Map.of(), file))
        .isInstanceOf(FailureException.class)
        .hasMessageContaining("prot");
  }
}
