package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.joran.spi.JoranException;
import ch.qos.logback.core.status.Status;
import io.expertmesh.telemetry.LogFields;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The lines that logback.xml makes of one message. */
class LogFormatTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

  private final PrintStream before = System.err;
  private final LoggerContext context = new LoggerContext();

  @AfterEach
  void restore() {
    context.stop();
    System.setErr(before);
  }

  /** A line of a request, and one of none. */
  private String[] lines(String format) throws JoranException {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    context.putProperty("expertmesh.log.format", format);
    context.putProperty("expertmesh.log.service", "expertmesh-gateway");
    LogbackMDCAdapter mdc = new LogbackMDCAdapter();
    context.setMDCAdapter(mdc);
    JoranConfigurator configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(LogFormatTest.class.getResource("/logback.xml"));
    assertThat(context.getStatusManager().getCopyOfStatusList())
        .as("a warning would make logback print all of it at every start").allMatch(s -> s.getLevel() < Status.WARN);
    mdc.put(LogFields.REQUEST_ID, "req-1");
    mdc.put(LogFields.TRACE_ID, TRACE);
    context.getLogger("io.expertmesh.Some").warn("two\n\"lines\"");
    mdc.clear();
    context.getLogger("io.expertmesh.Some").warn("no request");
    return written.toString(StandardCharsets.UTF_8).split("\\R(?=[{\\d])");
  }

  @Test
  void jsonHasTheFieldsOfTheRequest() throws JoranException {
    JsonNode line = JsonMapper.shared().readTree(lines("json")[0]);
    assertThat(line.get("message").stringValue()).isEqualTo("two\n\"lines\"");
    assertThat(line.get("log.level").stringValue()).isEqualTo("WARN");
    assertThat(line.get("service.name").stringValue()).isEqualTo("expertmesh-gateway");
    assertThat(line.get("http.request.id").stringValue()).isEqualTo("req-1");
    assertThat(line.get("trace.id").stringValue()).isEqualTo(TRACE);
  }

  @Test
  void textEndsWithTheRequestsId() throws JoranException {
    String[] lines = lines("text");
    assertThat(lines[0].strip()).endsWith("Some: two\n\"lines\" [req-1]");
    assertThat(lines[1].strip()).endsWith("Some: no request");
  }
}
