package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The networks of this host. */
@Command(
        name = "network",
        description = "Looks after networks: their devices, their rules, and what leads to their containers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = NetworkCommands.Reconcile.class,
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExample:%n",
        footer = "  wharf network reconcile     put back what another program took away")
final class NetworkCommands extends CommandGroup {
    /** Makes them whole. */
    @Command(
            name = "reconcile",
            description =
                    "Makes devices and rules of networks whole again. The agent does so by itself when it hears of a"
                            + " loss; this does it now, and says what came of it.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf network reconcile", "  wharf network reconcile backend --format json"})
    static final class Reconcile implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        @Parameters(arity = "0..1", paramLabel = "NETWORK", description = "its name or id; all of them if left out")
        private String network = "";

        Reconcile(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().post(new Request("/wharf/v1/networks/reconcile").with("network", network));
            boolean whole = true;
            try (Output out = new Output(main.surroundings())) {
                Table table = new Table("NETWORK", "ID", "STATE");
                for (Json one : Json.read(body).at("networks").items()) {
                    whole &= one.isTrue("whole");
                    table.row(
                            one.text("name"),
                            one.text("id").substring(0, 12),
                            one.isTrue("whole") ? "whole" : "not whole: " + one.text("trouble"));
                }
                if (format.isJson()) {
                    out.line(body.strip());
                } else {
                    table.print(out);
                }
            }
            return whole ? Main.OK : Main.FAILED;
        }
    }
}
