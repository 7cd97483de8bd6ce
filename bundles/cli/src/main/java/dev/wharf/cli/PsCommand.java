package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The containers of this host, now or then. */
@Command(
        name = "ps",
        description = "Lists the containers that run, now or at any moment the journal knows.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf ps                               what runs now",
            "  wharf ps --at 10m                      what ran ten minutes ago",
            "  wharf ps --at 2026-05-01T10:30:00Z -a  everything that was here then",
            "  wharf ps --at 1041 --format json       after batch 1041 of the journal, for programs"
        })
final class PsCommand implements Callable<Integer> {
    private static final int SHORT_ID = 12;
    private static final int LONGEST_COMMAND = 24;

    private final Main main;

    @Option(names = "--at", paramLabel = "INSTANT", description = Moments.FORMS)
    private String at = "";

    @Option(
            names = {"-a", "--all"},
            description = "also those that do not run")
    private boolean all;

    @Mixin
    private Format format = new Format();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    PsCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        String body = main.agent()
                .text(new Request("/wharf/v1/containers")
                        .with("at", Moments.placeIfAny("--at", at, spec))
                        .with("all", all ? "true" : ""));
        format.write(main, body, (answer, out) -> {
            if (!at.isEmpty()) {
                out.line(out.faint("-- " + Times.local().day(answer.text("at")) + " "
                        + Times.local().clock(answer.text("at")) + ", position " + answer.text("position")));
            }
            Table table = new Table("CONTAINER ID", "IMAGE", "COMMAND", "STATUS", "PORTS", "NAMES");
            for (Json c : answer.list("containers")) {
                table.row(
                        brief(c.text("Id")),
                        c.text("Image"),
                        command(c.text("Command")),
                        c.text("Status"),
                        ports(c),
                        String.join(
                                ", ",
                                c.list("Names").stream()
                                        .map(name -> name.text().replaceFirst("^/", ""))
                                        .toList()));
            }
            table.print(out);
        });
        return Main.OK;
    }

    /** An identifier as people see it. */
    static String brief(String id) {
        String bare = id.substring(id.indexOf(':') + 1);
        return bare.substring(0, Math.min(SHORT_ID, bare.length()));
    }

    private static String command(String command) {
        return command.length() <= LONGEST_COMMAND ? command : command.substring(0, LONGEST_COMMAND - 1) + "…";
    }

    private static String ports(Json container) {
        List<String> ports = new ArrayList<>();
        for (Json port : container.list("Ports")) {
            String inside = port.text("PrivatePort") + "/" + port.text("Type");
            String text = port.text("PublicPort").isEmpty()
                    ? inside
                    : port.text("IP") + ":" + port.text("PublicPort") + "->" + inside;
            if (!ports.contains(text)) ports.add(text);
        }
        return String.join(", ", ports);
    }
}
