package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What was built, and why it was not all taken from the cache. */
@Command(
        name = "build",
        description = "Tells what was built, and why a build did a step again.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {BuildCommands.History.class, BuildCommands.Explain.class},
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf build history         the builds that are remembered",
            "  wharf build explain         each step of the last one, and what missed the cache first",
            "",
            "Images are built with the docker command: DOCKER_BUILDKIT=0 docker build"
        })
final class BuildCommands implements Runnable {
    private static final String ROOT = "/wharf/v1/builds";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    private static String outcome(Json build) {
        if (build.text("millis").isEmpty()) return "under way";
        return build.text("image").isEmpty()
                ? "failed"
                : build.text("image").replace("sha256:", "").substring(0, 12);
    }

    /** The builds that are remembered. */
    @Command(
            name = "history",
            description = "Lists the last builds, newest first.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf build history", "  wharf build history --format json"})
    static final class History implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        History(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT));
            try (Output out = new Output(main.surroundings())) {
                if (format.isJson()) {
                    out.line(body.strip());
                    return Main.OK;
                }
                Table table = new Table("BUILD", "AT", "NAMES", "STEPS", "CACHED", "MS", "IMAGE");
                for (Json one : Json.read("{\"all\":" + body + "}").list("all")) {
                    table.row(
                            one.text("id"),
                            one.text("at"),
                            one.joined("names"),
                            one.text("steps"),
                            one.text("cached"),
                            one.text("millis"),
                            outcome(one));
                }
                table.print(out);
            }
            return Main.OK;
        }
    }

    /** One build, step by step. */
    @Command(
            name = "explain",
            description = "Shows the steps of a build, and where it first went another way than the one before it.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf build explain", "  wharf build explain 5764416de705 --format json"})
    static final class Explain implements Callable<Integer> {
        private final Main main;

        @Parameters(
                paramLabel = "BUILD",
                arity = "0..1",
                description = "the beginning of a build's id; the last one where nothing is said")
        private String build = "latest";

        @Mixin
        private Format format = new Format();

        Explain(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT + "/" + Request.encode(build)));
            try (Output out = new Output(main.surroundings())) {
                if (format.isJson()) {
                    out.line(body.strip());
                    return Main.OK;
                }
                Json answer = Json.read(body);
                Table table = new Table("STEP", "STAGE", "CACHE", "MS", "BYTES", "INSTRUCTION");
                for (Json step : answer.list("all")) {
                    table.row(
                            step.text("number"),
                            step.text("stage"),
                            step.text("cached").equals("true") ? "hit" : "done",
                            step.text("millis"),
                            step.text("size"),
                            step.text("instruction"));
                }
                table.print(out);
                out.line("");
                String difference = answer.text("difference");
                if (answer.text("before").isEmpty()) {
                    out.line("no earlier build of these names and this file is remembered");
                } else {
                    out.line(
                            difference.isEmpty()
                                    ? "the same as build " + answer.text("before") + " before it"
                                    : difference + " (since build " + answer.text("before") + ")");
                }
            }
            return Main.OK;
        }
    }
}
