package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Why a thing stands as it stands. */
@Command(
        name = "explain",
        description =
                "Explains a container, image, network, volume or driver: what is wanted, what is known, what comes next.",
        parameterListHeading = "%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf explain web                 a container",
            "  wharf explain storage/overlay     a driver",
            "  wharf explain network:3fa1        a network, by the beginning of its identifier",
            "  wharf explain host                the host itself"
        })
final class ExplainCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "NAME", description = "a name, an image reference, or the beginning of an identifier")
    private String name = "";

    @Mixin
    private Format format = new Format();

    ExplainCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        String body = main.agent().text(new Request("/wharf/v1/explain/" + Request.encode(name)));
        format.write(main, body, ExplainCommand::show);
        return Main.OK;
    }

    private static void show(Json subject, Output out) throws IOException {
        out.line(out.bold(subject.text("name")) + "  " + out.faint(subject.text("subject")));
        out.line("");
        out.line("Goal      " + subject.text("goal"));
        String title = "Facts     ";
        for (Json fact : subject.list("facts")) {
            String what = Table.pad(fact.text("what"), 16);
            out.line(title + mark(fact.text("certainty"), out) + " " + what + "  " + value(fact));
            title = " ".repeat(title.length());
        }
        title = "Trouble   ";
        for (Json trouble : subject.list("trouble")) {
            out.line(title + out.bad(trouble.text()));
            title = " ".repeat(title.length());
        }
        title = "Next      ";
        for (Json line : subject.list("next")) {
            out.line(title + line.text());
            title = " ".repeat(title.length());
        }
    }

    private static String mark(String certainty, Output out) {
        return switch (certainty) {
            case "present" -> out.good("+");
            case "doubtful" -> out.bad("?");
            default -> out.faint("-");
        };
    }

    private static String value(Json fact) {
        String value = fact.text("value");
        String certainty = fact.text("certainty");
        if (certainty.equals("present")) return value;
        return value.isEmpty() ? certainty : certainty + ", last known: " + value;
    }
}
