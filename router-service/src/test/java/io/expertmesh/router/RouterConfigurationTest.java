package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RouterConfigurationTest {
  @TempDir
  private Path folder = Path.of("");

  @Test
  void everythingHasADefault() {
    RouterConfiguration configuration = RouterConfiguration.read(Map.of(), null);
    assertThat(configuration.host()).isEqualTo("127.0.0.1");
    assertThat(configuration.port()).isEqualTo(9091);
    assertThat(configuration.httpPort()).isEqualTo(8081);
    assertThat(configuration.lease()).isEqualTo(Duration.ofSeconds(3));
    assertThat(configuration.control().settle()).isEqualTo(Duration.ofSeconds(3));
    assertThat(configuration.keys()).isEmpty();
    assertThat(configuration.leaderLock()).isNull();
  }

  @Test
  void optionsWinOverTheFile() throws Exception {
    Path file = folder.resolve("router.yaml");
    Files.writeString(file, """
        expertmesh:
          router:
            lease: 5s
            auto-shards: 4
            auto-replicas: 2
            keys:
              - name: operator
                hash: sha256:%s
                admin: true
        """.formatted("ab".repeat(32)));
    RouterConfiguration configuration = RouterConfiguration.read(Map.of("expertmesh.router.lease", "2s"), file);
    assertThat(configuration.lease()).isEqualTo(Duration.ofSeconds(2));
    assertThat(configuration.autoShards()).isEqualTo(4);
    assertThat(configuration.keys()).singleElement().matches(key -> key.admin());
  }

  @Test
  void unknownSettingsOfTheFileAreRefused() throws Exception {
    Path file = folder.resolve("router.yaml");
    Files.writeString(file, "expertmesh:\n  router:\n    leas: 5s\n");
    assertThatThrownBy(() -> RouterConfiguration.read(Map.of(), file)).isInstanceOf(FailureException.class)
        .hasMessageContaining("leas");
  }

  @ParameterizedTest
  @CsvSource({"port,70000", "http-port,-1", "http-port,9091", "lease,1ms", "settle,-1s", "max-processes,0",
      "max-gateways,0", "auto-shards,-1", "auto-replicas,0", "auto-grace,-1s", "move-timeout,0s", "lease,soon"})
  void wrongSettingsAreNamed(String setting, String value) {
    assertThatThrownBy(() -> RouterConfiguration.read(Map.of("expertmesh.router." + setting, value), null))
        .isInstanceOf(FailureException.class).hasMessageContaining("expertmesh.router." + setting);
  }
}
