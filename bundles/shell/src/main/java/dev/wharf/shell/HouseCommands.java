package dev.wharf.shell;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.core.story.Names;
import dev.wharf.core.story.Portrait;
import dev.wharf.core.story.Standing;
import dev.wharf.core.story.Story;
import dev.wharf.model.SubjectId;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Parameter;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** What can be asked of Wharf in the shell: {@code wharf:containers}, {@code explain}, {@code journal} and {@code drivers}. */
@Component(
        service = HouseCommands.class,
        property = {
            "osgi.command.scope=wharf",
            "osgi.command.function=containers",
            "osgi.command.function=explain",
            "osgi.command.function=journal",
            "osgi.command.function=drivers"
        })
public final class HouseCommands {
    private final Agent agent;

    @Activate
    public HouseCommands(@Reference Agent agent) {
        this.agent = agent;
    }

    @Descriptor("lists containers: name, identifier, image, and how they stand")
    public void containers(
            CommandSession session,
            @Descriptor("running ones only")
                    @Parameter(
                            names = {"-r", "--running"},
                            presentValue = "true",
                            absentValue = "false")
                    boolean running) {
        PrintStream out = session.getConsole();
        List<Container> containers = agent.host().containers().values().stream()
                .filter(c -> !running || c.isRunning())
                .sorted(Comparator.comparing(Container::createdAt))
                .toList();
        if (containers.isEmpty()) out.println(running ? "no container runs" : "no containers");
        for (Container c : containers) {
            out.printf(
                    "%-24s %s  %-10s %s%n",
                    c.name(),
                    c.id().shortForm(),
                    Standing.of(c).word(),
                    c.spec().imageReference());
        }
    }

    @Descriptor(
            "explains a container, image, network, volume or driver: what is wanted, what is known, what comes next")
    public void explain(
            CommandSession session, @Descriptor("its name, or the beginning of its identifier") String name) {
        PrintStream out = session.getConsole();
        Host host = agent.host();
        Optional<SubjectId> subject = Names.find(name, host).stream().findFirst();
        Optional<Portrait> portrait = subject.flatMap(id -> Portrait.of(id, host));
        if (portrait.isEmpty()) throw new IllegalArgumentException("nothing here is called " + name);
        out.println(portrait.get().name() + "  " + subject.get().text());
        out.println("  goal     " + portrait.get().goal());
        for (Portrait.Line fact : portrait.get().facts()) {
            out.printf("  %-8s %-16s %s%n", fact.certainty(), fact.what(), fact.value());
        }
        portrait.get().trouble().forEach(line -> out.println("  trouble  " + line));
        agent.explain(subject.get()).forEach(line -> out.println("  next     " + line));
    }

    @Descriptor("tells the last batches of the journal in plain words")
    public void journal(
            CommandSession session,
            @Descriptor("how many batches before the end to begin")
                    @Parameter(
                            names = {"-n", "--lines"},
                            absentValue = "20")
                    int lines)
            throws IOException {
        Position end = agent.journal().durable();
        long wished = Math.max(agent.journal().origin().sequence(), end.sequence() - Math.max(0, lines));
        try (Follower follower = agent.follow(new Position(Math.min(wished, end.sequence())))) {
            for (Optional<Moment> next = follower.poll(); next.isPresent(); next = follower.poll()) {
                if (next.get().position().isAfter(end)) return;
                session.getConsole().println(line(next.get()));
            }
        }
    }

    private static String line(Moment moment) {
        Story story = Story.of(moment);
        return String.format(
                "%7s  %s  %-14s  %s%s",
                moment.position(),
                story.at(),
                story.name(),
                story.words(),
                story.by().map(by -> " — asked by " + by).orElse(""));
    }

    @Descriptor("lists the drivers and what serves under each name")
    public void drivers(CommandSession session) {
        PrintStream out = session.getConsole();
        agent.host().drivers().values().stream()
                .sorted(Comparator.comparing((DriverBinding d) -> d.id().value()))
                .forEach(d -> out.printf(
                        "%-24s %-44s rank %-4d %s%n",
                        d.id().value(),
                        d.serving().orElse("-"),
                        d.rank(),
                        d.ready() ? "ready" : "not ready: " + d.why()));
    }
}
