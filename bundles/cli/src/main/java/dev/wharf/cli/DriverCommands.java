package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The drivers of this host. */
@Command(
        name = "driver",
        description = "Looks after storage, network, registry and runtime drivers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = DriverCommands.Ls.class,
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExample:%n",
        footer = "  wharf driver ls     which drivers are there, and which of them serve")
final class DriverCommands implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    /** Lists them. */
    @Command(
            name = "ls",
            description = "Lists the drivers, what serves under each name, and what depends on it.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf driver ls", "  wharf driver ls --format json"})
    static final class Ls implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        Ls(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request("/wharf/v1/drivers"));
            try (Output out = new Output(main.surroundings())) {
                if (format.isJson()) {
                    out.line(body.strip());
                    return Main.OK;
                }
                Table table = new Table("KIND", "NAME", "SERVED BY", "FORMATS", "RANK", "IN USE BY", "STATE");
                for (Json driver : Json.read(body).items()) {
                    table.row(
                            driver.text("kind"),
                            driver.text("name"),
                            driver.text("serving").isEmpty() ? "-" : driver.text("serving"),
                            driver.joined("formats"),
                            driver.text("rank"),
                            usage(driver),
                            driver.isTrue("ready") ? "ready" : "not ready: " + driver.text("why"));
                }
                table.print(out);
            }
            return Main.OK;
        }

        private static String usage(Json driver) {
            StringBuilder text = new StringBuilder();
            for (var use : driver.at("usedBy").fields().entrySet()) {
                String count = use.getValue().text();
                if (count.equals("0")) continue;
                String what = count.equals("1")
                        ? use.getKey().substring(0, use.getKey().length() - 1)
                        : use.getKey();
                text.append(text.isEmpty() ? "" : ", ")
                        .append(count)
                        .append(' ')
                        .append(what);
            }
            return text.isEmpty() ? "nothing" : text.toString();
        }
    }
}
