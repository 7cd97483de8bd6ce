package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Reading the journal: what happened, when, and who asked for it. */
@Command(
        name = "journal",
        description = "Reads the record of everything that happened on this host.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            JournalCommands.Tail.class,
            JournalCommands.Tale.class,
            JournalCommands.Replay.class,
            JournalCommands.Verify.class,
            JournalCommands.Facts.class
        },
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf journal tail -n 50               the last fifty batches",
            "  wharf journal story --subject web      everything that ever happened to web, in plain words",
            "  wharf journal replay --to 15m          the host as it was a quarter of an hour ago",
            "  wharf journal verify                   walk the chain of hashes from end to end"
        })
final class JournalCommands extends CommandGroup {
    static final String ROOT = "/wharf/v1/journal";

    /** Which part of the journal to read. */
    static final class Range {
        @Option(
                names = "--subject",
                paramLabel = "NAME",
                description = "only what happened to this container, image, ...")
        private String subject = "";

        @Option(
                names = "--from",
                paramLabel = "PLACE",
                description = "after this position, or from this time on: 1041, 10:30, 15m, 2026-05-01T10:30:00Z")
        private String from = "";

        @Option(names = "--until", paramLabel = "PLACE", description = "up to this position or time")
        private String until = "";

        @Option(
                names = {"-f", "--follow"},
                description = "go on with what happens from now on")
        private boolean follow;

        Request request(String byDefault, CommandSpec spec) {
            Request request = new Request(ROOT).with("subject", subject).with("follow", follow ? "true" : "");
            String start = from.isEmpty() ? byDefault : place("--from", from, spec);
            return request.with(
                            start.startsWith("-") ? "last" : "from", start.startsWith("-") ? start.substring(1) : start)
                    .with("until", until.isEmpty() ? "" : place("--until", until, spec));
        }
    }

    private static String place(String option, String text, CommandSpec spec) {
        return Moments.place(option, text, spec);
    }

    private static void print(Main main, Request request, Format format, boolean asStory) throws IOException {
        try (Client.Answer answer = main.agent().get(request);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
                Output out = new Output(main.surroundings())) {
            Teller teller = new Teller(out, Times.local(), asStory);
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (format.isJson()) {
                    out.line(line);
                } else if (!line.isEmpty()) {
                    teller.tell(Json.read(line));
                }
                // While more is at hand, a flush for each line would only cost.
                if (!lines.ready()) out.flush();
            }
        }
    }

    /** Shows the end of the journal. */
    @Command(
            name = "tail",
            description = "Shows the last batches of the journal, event by event.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {
                "  wharf journal tail -f                          what happens, as it happens",
                "  wharf journal tail --from 1041 --subject web   what became of web after batch 1041",
                "  wharf journal tail --from 0 --format json      the whole journal, one JSON object a line"
            })
    static final class Tail implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Range range = new Range();

        @Mixin
        private Format format = new Format();

        @Option(names = "--story", description = "in plain words")
        private boolean story;

        @Option(
                names = {"-n", "--lines"},
                paramLabel = "COUNT",
                description = "how many batches before the end to begin (20)")
        private int lines = 20;

        @Spec
        private CommandSpec spec = CommandSpec.create();

        Tail(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            if (lines < 0)
                throw new ParameterException(spec.commandLine(), "--lines " + lines + ": must not be negative");
            print(main, range.request("-" + lines, spec), format, story);
            return Main.OK;
        }
    }

    /** Tells the journal from its beginning. */
    @Command(
            name = "story",
            description = "Tells the journal in plain words, from the beginning.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {
                "  wharf journal story                       the life of this host",
                "  wharf journal story --subject web -f      the life of web, and how it goes on",
                "  wharf journal story --from 10:00 --until 10:30"
            })
    static final class Tale implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Range range = new Range();

        @Mixin
        private Format format = new Format();

        @Spec
        private CommandSpec spec = CommandSpec.create();

        Tale(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            print(main, range.request("0", spec), format, true);
            return Main.OK;
        }
    }

    /** Shows the host as it was. */
    @Command(
            name = "replay",
            description = "Shows the host as it was just after a position or at a time.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {
                "  wharf journal replay --to 1041                   just after batch 1041",
                "  wharf journal replay --to 10:30                  at half past ten today",
                "  wharf journal replay --to 2026-05-01T10:30:00Z --format json",
                "  wharf journal replay --to 1041 --data-root /var/lib/wharf   while no agent runs"
            })
    static final class Replay implements Callable<Integer> {
        private final Main main;

        @Option(
                names = "--to",
                required = true,
                paramLabel = "PLACE",
                description = "a position or a time: 1041, 10:30, 15m, 2026-05-01T10:30:00Z")
        private String to = "";

        @Mixin
        private Format format = new Format();

        @Mixin
        private Stored stored = new Stored();

        @Spec
        private CommandSpec spec = CommandSpec.create();

        Replay(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String at = place("--to", to, spec);
            String body = stored.isAsked()
                    ? stored.ask("host", at)
                    : main.agent().text(new Request("/wharf/v1/host").with("at", at));
            format.write(main, body, Replay::show);
            return Main.OK;
        }

        private static void show(Json host, Output out) throws IOException {
            section(
                    "Containers",
                    host.list("containers"),
                    out,
                    new Table("NAME", "ID", "IMAGE", "STATE", "ADDRESSES"),
                    (table, c) -> table.row(
                            c.text("name"), c.text("id"), c.text("image"), c.text("state"), c.joined("addresses")));
            section(
                    "Images",
                    host.list("images"),
                    out,
                    new Table("REFERENCES", "ID", "LAYERS", "SIZE"),
                    (table, i) -> table.row(i.joined("references"), shortId(i), i.text("layers"), i.text("sizeBytes")));
            section(
                    "Networks",
                    host.list("networks"),
                    out,
                    new Table("NAME", "ID", "DRIVER", "SUBNETS"),
                    (table, n) -> table.row(n.text("name"), shortId(n), n.text("driver"), n.joined("subnets")));
            section(
                    "Volumes",
                    host.list("volumes"),
                    out,
                    new Table("NAME", "DRIVER", "PATH"),
                    (table, v) -> table.row(v.text("name"), v.text("driver"), v.text("path")));
        }

        /** As people see identifiers. */
        private static String shortId(Json thing) {
            String id = thing.text("id");
            String bare = id.substring(id.indexOf(':') + 1);
            return bare.substring(0, Math.min(12, bare.length()));
        }

        private interface Rows {
            void add(Table table, Json item);
        }

        private static void section(String title, List<Json> items, Output out, Table table, Rows rows)
                throws IOException {
            if (items.isEmpty()) {
                out.line(out.bold(title) + ": none");
            } else {
                out.line(out.bold(title));
                items.forEach(item -> rows.add(table, item));
                table.print(out);
            }
            out.line("");
        }
    }

    /** Walks the chain. */
    @Command(
            name = "verify",
            description = "Walks the journal's chain of hashes; exit status 1 when it is damaged.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExample:%n",
            footer = "  wharf journal verify && echo nothing was changed behind our back")
    static final class Verify implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        @Mixin
        private Stored stored = new Stored();

        Verify(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = stored.isAsked() ? stored.ask("verify") : main.agent().text(new Request(ROOT + "/verify"));
            Json answer = format.write(
                    main,
                    body,
                    (verdict, out) -> out.line(
                            verdict.isTrue("whole")
                                    ? "The journal is " + out.good("whole") + ": positions " + verdict.text("origin")
                                            + " to " + verdict.text("end") + ", head " + verdict.text("head")
                                    : "The journal is " + out.bad("damaged") + ": " + verdict.text("damage")));
            return answer.isTrue("whole") ? Main.OK : Main.FAILED;
        }
    }

    /** Facts about the record itself. */
    @Command(
            name = "facts",
            description = "Shows how the journal itself is doing.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExample:%n",
            footer = "  wharf journal facts --format json")
    static final class Facts implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        Facts(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT + "/facts"));
            format.write(main, body, (facts, out) -> {
                for (var fact : facts.fields().entrySet()) {
                    out.line(Table.pad(fact.getKey(), 12) + fact.getValue().text());
                }
            });
            return Main.OK;
        }
    }
}
