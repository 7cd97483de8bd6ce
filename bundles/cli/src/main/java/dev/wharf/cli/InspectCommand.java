package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** One thing in every detail, now or then. */
@Command(
        name = "inspect",
        description =
                "Shows a container, image, network or volume in every detail, now or at any moment the journal knows.",
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf inspect web                          as it is",
            "  wharf inspect web --at 10:30               as it was at half past ten today",
            "  wharf inspect data --kind volume --at 1d   the volume, not a container of that name",
            "  wharf inspect web --at 1041 --format json  what docker inspect would have shown"
        })
final class InspectCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "NAME", description = "a name, an image reference, or the beginning of an identifier")
    private String name = "";

    @Option(names = "--at", paramLabel = "INSTANT", description = Moments.FORMS)
    private String at = "";

    @Option(
            names = "--kind",
            paramLabel = "KIND",
            description = "container, image, network or volume; whichever is found first if left out")
    private String kind = "";

    @Mixin
    private Format format = new Format();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    InspectCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        String body = main.agent()
                .text(new Request("/wharf/v1/inspect/" + Request.encode(name))
                        .with("at", Moments.placeIfAny("--at", at, spec))
                        .with("kind", kind));
        format.write(main, body, (answer, out) -> {
            out.line(out.bold(answer.text("kind") + " " + name)
                    + out.faint("  at " + Times.local().day(answer.text("at")) + " "
                            + Times.local().clock(answer.text("at")) + ", position " + answer.text("position")));
            show("", answer.at("object"), out);
        });
        return Main.OK;
    }

    /** What says nothing is left out: people look for what is so. */
    private static void show(String indent, Json object, Output out) throws IOException {
        for (Map.Entry<String, Json> field : object.fields().entrySet()) {
            Json value = field.getValue();
            String name = indent + field.getKey();
            if (!value.fields().isEmpty()) {
                out.line(name + ":");
                show(indent + "  ", value, out);
            } else if (value.items().isEmpty()) {
                if (isTelling(value.text())) out.line(name + ": " + value.text());
            } else if (value.items().stream().allMatch(i -> i.fields().isEmpty())) {
                out.line(name + ": "
                        + String.join(
                                " ", value.items().stream().map(Json::text).toList()));
            } else {
                out.line(name + ":");
                for (Json item : value.items()) {
                    out.line(indent + "  -");
                    show(indent + "    ", item, out);
                }
            }
        }
    }

    private static boolean isTelling(String text) {
        return !text.isEmpty() && !text.equals("0") && !text.equals("false") && !text.startsWith("0001-01-01");
    }
}
