package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What changed on this host. */
@Command(
        name = "diff",
        description =
                "Shows what is different on this host between two moments: containers, images, networks and volumes,"
                        + " with their old and new values. Exit status 1 when nothing is known of a moment.",
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf diff 1h                        what changed within the last hour",
            "  wharf diff 10:00 10:30               what changed in that half hour today",
            "  wharf diff 1041 1080 --format json   between two positions of the journal, for programs"
        })
final class DiffCommand implements Callable<Integer> {
    private static final int NAME_WIDTH = 16;

    private final Main main;

    @Parameters(index = "0", paramLabel = "T1", description = Moments.FORMS)
    private String from = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "T2", description = "the later moment; now if left out")
    private String to = "";

    @Mixin
    private Format format = new Format();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    DiffCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        String body = main.agent()
                .text(new Request("/wharf/v1/diff")
                        .with("from", Moments.place("T1", from, spec))
                        .with("to", Moments.placeIfAny("T2", to, spec)));
        format.write(main, body, (answer, out) -> {
            out.line(out.faint("-- from " + moment(answer.at("from")) + " to " + moment(answer.at("to"))));
            if (answer.list("changes").isEmpty()) out.line("nothing changed");
            for (Json change : answer.list("changes")) show(change, out);
        });
        return Main.OK;
    }

    private static String moment(Json then) {
        Times times = Times.local();
        return times.day(then.text("at")) + " " + times.clock(then.text("at")) + " (" + then.text("position") + ")";
    }

    private static void show(Json change, Output out) throws IOException {
        String what = change.text("change");
        String mark = switch (what) {
            case "added" -> out.good("+");
            case "removed" -> out.bad("-");
            default -> "~";
        };
        String id = PsCommand.brief(change.text("id"));
        out.line(mark + " " + change.text("kind") + " " + out.bold(change.text("name"))
                + (id.equals(change.text("name")) ? "" : "  " + out.faint(id)));
        for (Json field : change.list("fields")) {
            String name = "    " + Table.pad(field.text("field"), NAME_WIDTH) + "  ";
            out.line(
                    switch (what) {
                        case "added" -> name + field.text("new");
                        case "removed" -> name + field.text("old");
                        default -> name + shown(field.text("old")) + " -> " + shown(field.text("new"));
                    });
        }
    }

    private static String shown(String value) {
        return value.isEmpty() ? "(none)" : value;
    }
}
