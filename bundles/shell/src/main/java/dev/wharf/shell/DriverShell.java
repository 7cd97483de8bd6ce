package dev.wharf.shell;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.model.DriverId;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** What can be asked of drivers in the shell: {@code wharf:driver}, {@code swap}, {@code rollback} and {@code probe}. */
@Component(
        service = DriverShell.class,
        property = {
            "osgi.command.scope=wharf",
            "osgi.command.function=driver",
            "osgi.command.function=swap",
            "osgi.command.function=rollback",
            "osgi.command.function=probe"
        })
public final class DriverShell {
    private static final Actor OPERATOR = new Actor(Actor.Kind.SHELL, "shell", Map.of());

    private final Agent agent;

    @Activate
    public DriverShell(@Reference Agent agent) {
        this.agent = agent;
    }

    @Descriptor("shows every implementation of a driver, and why it serves or does not")
    public void driver(CommandSession session, @Descriptor("its name, or kind/name") String name) {
        DriverId id = find(name);
        show(session.getConsole(), candidates(id));
        agent.fleet().refusedSettings(id).forEach(why -> session.getConsole().println("refused " + why));
    }

    @Descriptor("makes an implementation serve, whatever the ranks of the others are")
    public void swap(
            CommandSession session,
            @Descriptor("the driver's name, or kind/name") String name,
            @Descriptor("the implementation, as driver shows it") String implementation)
            throws Exception {
        tell(session, agent.fleet().swap(find(name), implementation, cause()));
    }

    @Descriptor("makes that serve again which served before")
    public void rollback(CommandSession session, @Descriptor("the driver's name, or kind/name") String name)
            throws Exception {
        tell(session, agent.fleet().rollBack(find(name), cause()));
    }

    @Descriptor("asks every implementation anew whether it can work here")
    public void probe(CommandSession session, @Descriptor("the driver's name, or kind/name") String name) {
        show(session.getConsole(), agent.fleet().probe(find(name)));
    }

    private static Cause cause() {
        return new Cause(CommandId.NONE, Optional.empty(), OPERATOR);
    }

    private static void tell(CommandSession session, CompletionStage<Event> answer) throws Exception {
        try {
            if (answer.toCompletableFuture().get() instanceof DriverEvent.HandedOver over) {
                session.getConsole().println(over.driver() + " is served by " + over.to());
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception told ? told : e;
        }
    }

    private List<Candidate> candidates(DriverId id) {
        return agent.fleet().candidates().stream()
                .filter(c -> c.driver().equals(id))
                .toList();
    }

    private static void show(PrintStream out, List<Candidate> candidates) {
        candidates.forEach(c -> out.printf(
                "%-60s rank %-4d %-8s %s%n",
                c.implementation(), c.rank(), c.standing().name().toLowerCase(Locale.ROOT), c.why()));
    }

    private DriverId find(String name) {
        return agent.fleet().candidates().stream()
                .map(Candidate::driver)
                .filter(id -> id.value().equals(name) || id.name().value().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no driver is called " + name));
    }
}
