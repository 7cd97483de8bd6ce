package dev.wharf.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.lang.reflect.Constructor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code wharf}. Exit status: 0 when all went well, 1 when it did not, 2 when it was called the wrong way. */
@Command(
        name = "wharf",
        description = "Talks to a Wharf agent: what happened on this host, why, and what comes next.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            PsCommand.class,
            InspectCommand.class,
            DiffCommand.class,
            WhyCommand.class,
            HistoryCommand.class,
            PruneCommand.class,
            UndeleteCommand.class,
            GcCommand.class,
            ScrubCommand.class,
            JobsCommands.class,
            JournalCommands.class,
            ExplainCommand.class,
            DriverCommands.class,
            NetworkCommands.class,
            StorageCommands.class,
            BuildCommands.class,
            FleetCommand.class,
            ShellCommand.class,
            DoctorCommand.class,
            SupportBundleCommand.class,
            CompletionCommand.class,
            VersionCommand.class
        },
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf journal tail -f --story       watch what happens, in plain words",
            "  wharf ps --at 10m                   what ran ten minutes ago",
            "  wharf why web                       who asked for web, and why it ended",
            "  wharf explain web                   what is known of web, and what comes next",
            "  wharf journal replay --to 10:30     the host as it was at half past ten",
            "  wharf fleet ps                      containers of every host, over Kafka",
            "  wharf fleet apply -f services.yaml  have services run on many hosts, and watch them come",
            "  wharf fleet status                  each service of each host, and how far it is",
            "",
            "Containers are driven with the docker command: export DOCKER_HOST=unix:///run/wharf/wharf.sock"
        })
public final class Main implements Runnable {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int MISUSED = 2;

    private final Surroundings surroundings;

    @Option(
            names = {"-H", "--host"},
            paramLabel = "unix://PATH",
            scope = CommandLine.ScopeType.INHERIT,
            description = "the agent's socket (WHARF_HOST, else DOCKER_HOST, else unix:///run/wharf/wharf.sock)")
    private String host = "";

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = CommandLine.ScopeType.INHERIT,
            description = "show this text")
    private boolean help;

    @Spec
    private CommandSpec spec;

    Main(Surroundings surroundings) {
        this.surroundings = surroundings;
        this.spec = CommandSpec.create();
    }

    public static void main(String[] arguments) {
        System.exit(run(Surroundings.ofThisProcess(), arguments));
    }

    /** Runs one command line to its end and answers the exit status. */
    static int run(Surroundings surroundings, String... arguments) {
        return line(surroundings).execute(arguments);
    }

    /** The command with everything below it. */
    static CommandLine line(Surroundings surroundings) {
        Main main = new Main(surroundings);
        return new CommandLine(main, new Maker(main))
                .setOut(new PrintWriter(surroundings.out(), true))
                .setErr(new PrintWriter(surroundings.err(), true))
                .setColorScheme(Help.defaultColorScheme(surroundings.isColourful() ? Help.Ansi.ON : Help.Ansi.OFF))
                .setUsageHelpWidth(100)
                .setAbbreviatedOptionsAllowed(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::misused)
                .setExecutionExceptionHandler((e, command, parsed) -> failed(e, command));
    }

    private static int misused(ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        command.getErr().println(name + ": " + firstLine(e) + " (" + name + " --help shows how)");
        return MISUSED;
    }

    private static int failed(Exception e, CommandLine command) throws Exception {
        if (e instanceof Output.ReaderGone) return OK;
        if (e instanceof ParameterException misuse) return misused(misuse, new String[0]);
        if (!(e instanceof IOException)) throw e;
        command.getErr().println("wharf: " + firstLine(e));
        return FAILED;
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("failed without a reason");
    }

    /** Without a command there is nothing to do but to show what there is. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    Surroundings surroundings() {
        return surroundings;
    }

    /** The agent that the command line or the environment names. */
    Client agent() {
        String address = host.isEmpty() ? fromEnvironment(surroundings.environment()) : host;
        if (!address.startsWith("unix://")) {
            throw new ParameterException(
                    spec.commandLine(), "host " + address + ": expected a socket such as unix:///run/wharf/wharf.sock");
        }
        return new Client(Path.of(address.substring("unix://".length())));
    }

    private static String fromEnvironment(Map<String, String> environment) {
        for (String name : new String[] {"WHARF_HOST", "DOCKER_HOST"}) {
            String value = environment.getOrDefault(name, "");
            if (!value.isEmpty()) return value;
        }
        return "unix:///run/wharf/wharf.sock";
    }

    /** Gives each command the one main it belongs to. */
    private record Maker(Main main) implements CommandLine.IFactory {
        @Override
        public <K> K create(Class<K> type) throws Exception {
            for (Constructor<?> constructor : type.getDeclaredConstructors()) {
                if (Arrays.equals(constructor.getParameterTypes(), new Class<?>[] {Main.class})) {
                    return type.cast(constructor.newInstance(main));
                }
            }
            return CommandLine.defaultFactory().create(type);
        }
    }
}
