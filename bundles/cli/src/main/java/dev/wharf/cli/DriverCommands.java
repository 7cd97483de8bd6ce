package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The drivers of this host. */
@Command(
        name = "driver",
        description = "Looks after storage, network, registry and runtime drivers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DriverCommands.Ls.class,
            DriverCommands.Inspect.class,
            DriverCommands.Swap.class,
            DriverCommands.Rollback.class,
            DriverCommands.Probe.class
        },
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf driver ls                        which drivers are there, and which of them serve",
            "  wharf driver inspect storage/overlay   every implementation of it, and why it serves or does not",
            "  wharf driver rollback storage/overlay  what served before serves again"
        })
final class DriverCommands extends CommandGroup {
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
            format.write(main, body, (answer, out) -> {
                Table table = new Table("KIND", "NAME", "SERVED BY", "FORMATS", "RANK", "IN USE BY", "STATE");
                for (Json driver : answer.items()) {
                    table.row(
                            driver.text("kind"),
                            driver.text("name"),
                            driver.text("serving").isEmpty() ? "-" : driver.text("serving"),
                            driver.joined("formats"),
                            driver.text("rank"),
                            uses(driver).orElse("nothing"),
                            driver.isTrue("ready") ? "ready" : "not ready: " + driver.text("why"));
                }
                table.print(out);
            });
            return Main.OK;
        }
    }

    /** What stands on a driver, such as {@code 2 containers, 1 layer}. */
    static Optional<String> uses(Json driver) {
        StringBuilder text = new StringBuilder();
        for (var use : driver.at("usedBy").fields().entrySet()) {
            String count = use.getValue().text();
            if (count.equals("0")) continue;
            String what =
                    count.equals("1") ? use.getKey().substring(0, use.getKey().length() - 1) : use.getKey();
            text.append(text.isEmpty() ? "" : ", ").append(count).append(' ').append(what);
        }
        return text.isEmpty() ? Optional.empty() : Optional.of(text.toString());
    }

    /** Shows one driver with every implementation. */
    @Command(
            name = "inspect",
            description = "Shows a driver's implementations, and for each why it serves or does not.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf driver inspect bridge", "  wharf driver inspect storage/overlay --format json"})
    static final class Inspect implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        @Parameters(paramLabel = "DRIVER", description = "its name, or kind/name where several are called that")
        private String driver = "";

        Inspect(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            show(main, format, main.agent().text(new Request("/wharf/v1/drivers/inspect").with("driver", driver)));
            return Main.OK;
        }
    }

    /** Makes another implementation serve. */
    @Command(
            name = "swap",
            description = "Makes an implementation serve whatever the ranks of the others are, from now on and after a"
                    + " restart. It must find everything that is there under the driver's name, or nothing changes.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExample:%n",
            footer = "  wharf driver swap storage/overlay com.example.overlay/1.2.0@3f5d9c0a1b2c")
    static final class Swap implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        @Parameters(index = "0", paramLabel = "DRIVER", description = "its name, or kind/name")
        private String driver = "";

        @Parameters(
                index = "1",
                paramLabel = "IMPLEMENTATION",
                description = "as wharf driver inspect shows it, or what follows its @")
        private String to = "";

        Swap(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent()
                    .post(new Request("/wharf/v1/drivers/swap")
                            .with("driver", driver)
                            .with("to", to));
            if (body.isBlank()) {
                // Not modified is an answer without a body.
                try (Output out = new Output(main.surroundings())) {
                    out.line(format.isJson() ? "{}" : driver + " is served by " + to + " already");
                }
                return Main.OK;
            }
            return told(main, format, body);
        }
    }

    /** Makes what served before serve again. */
    @Command(
            name = "rollback",
            description =
                    "Makes that serve again which served before, from now on and after a restart. A bundle that was"
                            + " replaced in the plugins folder is put back there.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExample:%n",
            footer = "  wharf driver rollback storage/overlay")
    static final class Rollback implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        @Parameters(paramLabel = "DRIVER", description = "its name, or kind/name")
        private String driver = "";

        Rollback(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            return told(
                    main, format, main.agent().post(new Request("/wharf/v1/drivers/rollback").with("driver", driver)));
        }
    }

    /** Asks again. */
    @Command(
            name = "probe",
            description =
                    "Asks each implementation anew whether it can work here and finds everything; one that could not"
                            + " before and can now serves again.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExample:%n",
            footer = "  wharf driver probe storage/overlay")
    static final class Probe implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        @Parameters(paramLabel = "DRIVER", description = "its name, or kind/name")
        private String driver = "";

        Probe(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            show(main, format, main.agent().post(new Request("/wharf/v1/drivers/probe").with("driver", driver)));
            return Main.OK;
        }
    }

    private static void show(Main main, Format format, String body) throws IOException {
        format.write(main, body, (driver, out) -> {
            out.line("driver    " + driver.text("kind") + "/" + driver.text("name"));
            out.line("in use by " + uses(driver).orElse("nothing"));
            if (!driver.text("previous").isEmpty()) {
                out.line("before    " + driver.text("previous"));
            }
            if (!driver.text("chosen").isEmpty()) {
                out.line("chosen    " + driver.text("chosen"));
            }
            for (Json route : driver.at("routes").items()) {
                out.line("route     " + route.text());
            }
            for (Json refused : driver.at("refusedSettings").items()) {
                out.line("refused   " + refused.text());
            }
            Table table = new Table("IMPLEMENTATION", "RANK", "STATE", "WHY");
            for (Json one : driver.at("implementations").items()) {
                table.row(one.text("implementation"), one.text("rank"), one.text("standing"), one.text("why"));
            }
            table.print(out);
        });
    }

    private static int told(Main main, Format format, String body) throws IOException {
        try (Output out = new Output(main.surroundings())) {
            Json answer = Json.read(body);
            out.line(
                    format.isJson()
                            ? body.strip()
                            : answer.text("driver") + " is served by " + answer.text("to")
                                    + (answer.text("from").isEmpty() ? "" : " in place of " + answer.text("from")));
        }
        return Main.OK;
    }
}
