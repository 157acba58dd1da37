package io.expertmesh.cli;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.slf4j.bridge.SLF4JBridgeHandler;
import org.springframework.boot.convert.DurationStyle;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code expertmesh}, which only has subcommands. */
@Command(
    name = "expertmesh",
    description = "Serves mixture-of-experts language models.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = ExpertMeshCommand.Version.class,
    scope = ScopeType.INHERIT,
    usageHelpAutoWidth = true,
    exitCodeOnExecutionException = FailureReport.DEFECT,
    subcommands = {ServeCommand.class, ClusterCommand.class, GatewayCommand.class, ExpertCommand.class,
        RouterCommand.class, ChatCommand.class,
        CompleteCommand.class,
        BenchCommand.class, ChaosCommand.class, SimulateCommand.class,
        InspectCommand.class,
        ConvertCommand.class, SynthCommand.class,
        HelpCommand.class,
        GenerateCompletion.class, StartTraining.class},
    footer = {
        "",
        "Examples:",
        "  expertmesh serve                       serve the demo model on port 8080",
        "  expertmesh chat                        talk with it in the terminal",
        "  expertmesh complete \"Once upon a time\"  continue a text",
        "",
        "Exit code: 0 done, 1 defect in ExpertMesh, 2 wrong option, input or environment."})
final class ExpertMeshCommand implements Callable<Integer> {
  /** Warns, with a stack trace, of every connection that breaks. Kept because a level is forgotten with its logger. */
  private static final Logger GRPC = Logger.getLogger("io.grpc");

  private static final Set<String> SERVERS = Set.of("serve", "gateway", "expert", "router", "cluster");

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show stack traces and debug logs.")
  private boolean debug;

  /** How log lines are written. */
  enum LogFormat {
    text, json
  }

  @Option(
      names = "--log-format",
      scope = ScopeType.INHERIT,
      paramLabel = "FORMAT",
      defaultValue = "${env:EXPERTMESH_LOG_FORMAT:-text}",
      description = "Logs as lines of ${COMPLETION-CANDIDATES}. Default: what EXPERTMESH_LOG_FORMAT says, else text.")
  private LogFormat logFormat = LogFormat.text;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  static CommandLine commandLine() {
    var command = new ExpertMeshCommand();
    var failures = new FailureReport(() -> command.debug);
    return new CommandLine(command)
        .setExecutionStrategy(parsed -> {
          command.prepareLog(parsed);
          return new RunLast().execute(parsed);
        })
        .setParameterExceptionHandler(failures)
        .setExecutionExceptionHandler(failures)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .registerConverter(Duration.class, DurationStyle.SIMPLE::parse);
  }

  /** A server logs what it does; other commands only what is wrong. Read by logback.xml. */
  private void prepareLog(ParseResult parsed) {
    String subcommand = parsed.hasSubcommand() ? parsed.subcommand().commandSpec().name() : "";
    boolean server = SERVERS.contains(subcommand);
    GRPC.setLevel(debug ? Level.ALL : Level.SEVERE);
    System.setProperty("expertmesh.log.level", debug ? "DEBUG" : server ? "INFO" : "WARN");
    System.setProperty("expertmesh.log.format", logFormat.name());
    System.setProperty("expertmesh.log.service",
        subcommand.equals("serve") ? "expertmesh" : "expertmesh-" + subcommand);
    if (server) {
      // What libraries write to the JDK's log goes the same way as everything else.
      SLF4JBridgeHandler.removeHandlersForRootLogger();
      SLF4JBridgeHandler.install();
    }
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return FailureReport.USER_ERROR;
  }

  /** What {@code --version} prints. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = ExpertMeshCommand.class.getPackage().getImplementationVersion();
      return new String[]{"expertmesh " + (version == null ? "(not packaged)" : version),
          "Java " + Runtime.version() + " on " + System.getProperty("os.name") + " " + System.getProperty("os.arch")};
    }
  }
}
