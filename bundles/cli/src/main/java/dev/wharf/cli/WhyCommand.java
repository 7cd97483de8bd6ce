package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Who asked, what followed, and why it ended. */
@Command(
        name = "why",
        description =
                "Tells who asked for a container, image, network or volume, what followed, and why a container ended:"
                        + " its exit code, the signal, whether memory ran out, and who had it stopped. Knows what is gone, too.",
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf why web                   why web stands as it stands",
            "  wharf why web --all             every step that followed from each wish",
            "  wharf why web --format json     with uid, gid, pid and login uid of whoever asked"
        })
final class WhyCommand implements Callable<Integer> {
    private static final int MOST_STEPS = 4;

    private final Main main;

    @Parameters(paramLabel = "NAME", description = "a name, or the beginning of an identifier")
    private String name = "";

    @Option(names = "--all", description = "show every step that followed")
    private boolean all;

    @Mixin
    private Format format = new Format();

    WhyCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        String body = main.agent().text(new Request("/wharf/v1/why/" + Request.encode(name)));
        format.write(main, body, this::show);
        return Main.OK;
    }

    private void show(Json why, Output out) throws IOException {
        Times times = Times.local();
        String since = why.text("startedAt");
        out.line(out.bold(why.text("kind") + " " + why.text("name")) + "  "
                + out.faint(PsCommand.brief(why.text("id"))));
        out.line("State    " + why.text("state")
                + (since.isEmpty()
                        ? ""
                        : ", as pid " + why.text("pid") + " since " + times.day(since) + " " + times.clock(since)));
        Json end = why.at("end");
        if (!end.text("why").isEmpty()) {
            out.line("Ended    " + times.day(end.text("at")) + " " + times.clock(end.text("at")) + ", because "
                    + out.bold(end.text("why")));
            out.line("         " + facts(end));
        }
        String day = "";
        for (Json ask : why.list("asked")) {
            if (!times.day(ask.text("at")).equals(day)) {
                day = times.day(ask.text("at"));
                out.line(out.faint("-- " + day));
            }
            out.line(times.clock(ask.text("at")) + "  " + out.bold(ask.text("what")) + " — asked by "
                    + who(ask.at("actor"), ask.text("by")));
            List<Json> then = ask.list("then");
            int shown = all ? then.size() : Math.min(then.size(), MOST_STEPS);
            int skipped = then.size() - shown;
            for (int i = 0; i < then.size(); i++) {
                // The last step is what it came to.
                if (i >= shown - 1 && i < then.size() - 1 && skipped > 0) continue;
                if (i == then.size() - 1 && skipped > 0) {
                    out.line(out.faint(
                            "              … " + skipped + (skipped == 1 ? " step" : " steps") + " more (--all)"));
                }
                Json step = then.get(i);
                String words = step.text("what");
                out.line(times.clock(step.text("at")) + "    "
                        + (step.text("type").endsWith(".failed") ? out.bad(words) : words));
            }
        }
        if (why.list("asked").isEmpty()) {
            for (Json line : why.list("unasked")) {
                out.line(times.clock(line.text("at")) + "  " + line.text("what") + out.faint(" — by Wharf itself"));
            }
        }
    }

    private static String facts(Json end) {
        List<String> facts = new ArrayList<>();
        if (!end.text("exitCode").isEmpty()) facts.add("exit code " + end.text("exitCode"));
        if (!end.text("signal").isEmpty()) facts.add("signal " + end.text("signal"));
        if (end.isTrue("outOfMemory")) facts.add("out of memory");
        if (!end.at("actor").fields().isEmpty()) facts.add("by " + who(end.at("actor"), end.text("by")));
        return String.join(", ", facts);
    }

    private static String who(Json actor, String by) {
        List<String> details = new ArrayList<>();
        for (String name : List.of("uid", "gid", "pid", "loginuid")) {
            String value = actor.at("details").text(name);
            if (!value.isEmpty()) details.add((name.equals("loginuid") ? "login uid" : name) + " " + value);
        }
        if (actor.text("kind").equals("tls")) details.add("TLS subject");
        return by + (details.isEmpty() ? "" : " [" + String.join(", ", details) + "]");
    }
}
