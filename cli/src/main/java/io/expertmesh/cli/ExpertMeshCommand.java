package io.expertmesh.cli;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
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
        BenchCommand.class, ChaosCommand.class,
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

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  static CommandLine commandLine() {
    var command = new ExpertMeshCommand();
    var failures = new FailureReport(() -> command.debug);
    return new CommandLine(command)
        .setExecutionStrategy(parsed -> {
          command.chooseLogLevel(parsed);
          return new RunLast().execute(parsed);
        })
        .setParameterExceptionHandler(failures)
        .setExecutionExceptionHandler(failures)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .registerConverter(Duration.class, DurationStyle.SIMPLE::parse);
  }

  /** A server logs what it does; other commands only what is wrong. Read by logback.xml. */
  private void chooseLogLevel(ParseResult parsed) {
    boolean server = parsed.hasSubcommand() && SERVERS.contains(parsed.subcommand().commandSpec().name());
    GRPC.setLevel(debug ? Level.ALL : Level.SEVERE);
    System.setProperty("expertmesh.log.level", debug ? "DEBUG" : server ? "INFO" : "WARN");
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
