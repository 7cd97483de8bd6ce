package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import java.security.Principal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import javax.security.auth.Subject;

/** Gives commands for whoever calls an operation of a bean, in his name, and waits for the answer. */
final class Orders {
    /** A stop may take its time; a console that waits for longer than this has gone. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Agent agent;

    Orders(Agent agent) {
        this.agent = agent;
    }

    /**
     * Answers with the journal's position once the wish is so; what is so already is no trouble.
     *
     * @throws IllegalStateException with the reason where it is refused or fails; consoles have no other exceptions' classes
     */
    long give(Command command) {
        ask(cause -> agent.submit(command, cause));
        return agent.position().sequence();
    }

    Optional<Event> ask(Function<Cause, CompletionStage<Event>> question) {
        Cause cause = new Cause(CommandId.once(), Optional.empty(), actor());
        try {
            return Optional.of(question.apply(cause).toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RefusedException refused) {
                if (refused.refusal().kind() == Refusal.Kind.UNCHANGED) {
                    return Optional.empty();
                }
                throw new IllegalStateException(refused.getMessage());
            }
            if (e.getCause() instanceof FailedException failed) {
                throw new IllegalStateException(failed.getMessage());
            }
            throw new IllegalStateException(String.valueOf(e.getCause()));
        } catch (TimeoutException e) {
            throw new IllegalStateException(
                    "no answer within " + PATIENCE.toSeconds() + " s; what was asked for goes on");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted; what was asked for goes on");
        }
    }

    /** Who calls: the principal that the connector or Jolokia found, or somebody who attached to this very process. */
    static Actor actor() {
        String name = subject().stream()
                .flatMap(subject -> subject.getPrincipals().stream())
                .map(Principal::getName)
                .findFirst()
                .orElse("local");
        return new Actor(Actor.Kind.JMX, name, Map.of());
    }

    /** Subject.current is of Java 18 and the only way from 24 on; before, it comes along with the access control context. */
    @SuppressWarnings("removal")
    private static Optional<Subject> subject() {
        try {
            return Optional.ofNullable(
                    (Subject) Subject.class.getMethod("current").invoke(null));
        } catch (NoSuchMethodException e) {
            return Optional.ofNullable(Subject.getSubject(java.security.AccessController.getContext()));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
