package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import dev.wharf.cli.doctor.Doctor;
import dev.wharf.cli.doctor.Finding;
import dev.wharf.cli.doctor.Finding.Level;
import dev.wharf.cli.doctor.Machine;
import dev.wharf.cli.doctor.Rounds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is wrong with this host. */
@Command(
        name = "doctor",
        description =
                "Looks at this host as containers need it and says how to mend what is not right, whether an agent runs"
                        + " or not. Exit status 1 when something keeps containers from running as they should.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf doctor",
            "  wharf doctor --format json",
            "  wharf doctor --data-root /srv/two --exec-root /run/two   for an agent with roots of its own"
        })
final class DoctorCommand implements Callable<Integer> {
    private final Main main;

    @Option(names = "--data-root", paramLabel = "DIR", description = "the agent's data root (/var/lib/wharf)")
    private Path dataRoot = Path.of("/var/lib/wharf");

    @Option(names = "--exec-root", paramLabel = "DIR", description = "the agent's exec root (/run/wharf)")
    private Path execRoot = Path.of("/run/wharf");

    @Mixin
    private Format format = new Format();

    DoctorCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        List<Finding> findings = examine(main, dataRoot, execRoot);
        try (Output out = new Output(main.surroundings())) {
            if (format.isJson()) {
                out.line(json(findings));
            } else {
                show(findings, out);
            }
        }
        return worst(findings) == Level.BAD ? Main.FAILED : Main.OK;
    }

    /** Everything there is to say; a running agent tells where its roots are. */
    static List<Finding> examine(Main main, Path dataRoot, Path execRoot) {
        List<Finding> findings = new ArrayList<>();
        Optional<String> pid = Optional.empty();
        try {
            Client agent = main.agent();
            Json self = Json.read(agent.text(new Request("/wharf/v1/agent")));
            pid = Optional.of(self.text("pid"));
            dataRoot = Path.of(self.text("dataRoot"));
            execRoot = Path.of(self.text("execRoot"));
            findings.add(new Finding(
                    Level.OK, "agent", "version " + self.text("version") + " answers, pid " + self.text("pid"), ""));
            Rounds.journal(Json.read(agent.text(new Request("/wharf/v1/journal/facts")))
                            .text("broken"))
                    .ifPresent(findings::add);
            findings.addAll(Rounds.drivers(Json.read(agent.text(new Request("/wharf/v1/drivers"))).items().stream()
                    .map(d -> new Rounds.Driver(
                            d.text("kind"), d.text("name"), d.isTrue("ready"), d.text("why"), DriverCommands.uses(d)))
                    .toList()));
        } catch (IOException e) {
            findings.add(
                    pid.isPresent()
                            ? new Finding(
                                    Level.BAD,
                                    "agent",
                                    String.valueOf(e.getMessage()),
                                    "journalctl -u wharfd says more; wharf support-bundle gathers it")
                            : new Finding(
                                    Level.WARN, "agent", String.valueOf(e.getMessage()), "systemctl start wharfd"));
        }
        findings.addAll(new Doctor(new Machine(), dataRoot, execRoot, pid).examine());
        return findings;
    }

    static Level worst(List<Finding> findings) {
        return findings.stream().map(Finding::level).max(Level::compareTo).orElse(Level.OK);
    }

    static String json(List<Finding> findings) throws IOException {
        return Json.write(out -> {
            out.writeStartObject();
            out.writeStringField("worst", word(worst(findings)));
            out.writeArrayFieldStart("findings");
            for (Finding finding : findings) {
                out.writeStartObject();
                out.writeStringField("level", word(finding.level()));
                out.writeStringField("area", finding.area());
                out.writeStringField("found", finding.found());
                out.writeStringField("mend", finding.mend());
                out.writeEndObject();
            }
            out.writeEndArray();
            out.writeEndObject();
        });
    }

    private static void show(List<Finding> findings, Output out) throws IOException {
        for (Finding finding : findings) {
            String word = Table.pad(word(finding.level()), 4);
            String mark = finding.level() == Level.OK ? out.good(word) : out.bad(word);
            out.line(mark + "  " + Table.pad(finding.area(), 10) + "  " + finding.found());
            if (!finding.mend().isEmpty()) out.line(" ".repeat(18) + out.bold("mend: ") + finding.mend());
        }
        long bad = findings.stream().filter(f -> f.level() == Level.BAD).count();
        long warn = findings.stream().filter(f -> f.level() == Level.WARN).count();
        out.line("");
        out.line(
                bad + warn == 0
                        ? "Nothing to mend."
                        : bad + " to mend, " + warn + " to know of, " + (findings.size() - bad - warn)
                                + " as they should be.");
    }

    private static String word(Level level) {
        return switch (level) {
            case OK -> "ok";
            case WARN -> "warn";
            case BAD -> "bad";
        };
    }
}
