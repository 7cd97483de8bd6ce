package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What became of a container, or how it was run. */
@Command(
        name = "history",
        description = "Tells what became of a container; with --as-run the docker command line that runs it again.",
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf history web                       its life in plain words",
            "  wharf history web --as-run              the command line that runs it again",
            "  wharf history web --as-run --at 1d      as it was run a day ago",
            "  sh -c \"$(wharf history web --as-run)\"   and there it is"
        })
final class HistoryCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "NAME", description = "a container's name, or the beginning of its identifier")
    private String name = "";

    @Option(names = "--as-run", description = "the docker command line")
    private boolean asRun;

    @Option(names = "--at", paramLabel = "INSTANT", description = "with --as-run: " + Moments.FORMS)
    private String at = "";

    @Mixin
    private Format format = new Format();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    HistoryCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        return asRun ? commandLine() : story();
    }

    private int commandLine() throws IOException {
        String body = main.agent()
                .text(new Request("/wharf/v1/as-run/" + Request.encode(name))
                        .with("at", Moments.placeIfAny("--at", at, spec)));
        format.write(main, body, (answer, out) -> {
            out.line(answer.text("line"));
            // Beside the line and not in it, so that a shell can take the output as it is.
            for (Json note : answer.list("notes")) {
                spec.commandLine().getErr().println("note: " + note.text());
            }
        });
        return Main.OK;
    }

    private int story() throws IOException {
        Request request =
                new Request(JournalCommands.ROOT).with("subject", name).with("from", "0");
        try (Client.Answer answer = main.agent().get(request);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
                Output out = new Output(main.surroundings())) {
            Teller teller = new Teller(out, Times.local(), true);
            boolean known = false;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                known |= !line.isEmpty();
                if (format.isJson()) {
                    out.line(line);
                } else if (!line.isEmpty()) {
                    teller.tell(Json.read(line));
                }
            }
            if (!known) throw new IOException("the journal knows of nothing called " + name);
        }
        return Main.OK;
    }
}
