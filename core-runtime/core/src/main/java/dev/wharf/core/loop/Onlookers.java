package dev.wharf.core.loop;

import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Those who wait until the host is so, as far as one subject is concerned; they come from any thread. */
final class Onlookers {
    private static final Logger log = LoggerFactory.getLogger(Onlookers.class);

    private final Map<SubjectId, Queue<Onlooker>> waiting = new ConcurrentHashMap<>();

    private record Onlooker(Predicate<Host> so, Runnable then) {}

    /** Does {@code then} once the host is {@code so}, now or later; see {@link dev.wharf.core.agent.Agent#when}. */
    void when(SubjectId about, Predicate<Host> so, Runnable then, Supplier<Host> host) {
        Onlooker onlooker = new Onlooker(so, then);
        waiting.compute(about, (subject, queue) -> {
            Queue<Onlooker> all = queue == null ? new ConcurrentLinkedQueue<>() : queue;
            all.add(onlooker);
            return all;
        });
        // After it was added, so that no change falls between the two.
        if (so.test(host.get()) && remove(about, onlooker)) {
            then.run();
        }
    }

    void tell(Set<SubjectId> changed, Host host) {
        for (SubjectId subject : changed) {
            Queue<Onlooker> all = waiting.get(subject);
            if (all == null) {
                continue;
            }
            for (Onlooker each : all) {
                if (each.so().test(host) && remove(subject, each)) {
                    try {
                        each.then().run();
                    } catch (RuntimeException e) {
                        log.error("a listener broke", e);
                    }
                }
            }
        }
    }

    /** Whether it was there, so that of two who take it out one goes on. */
    private boolean remove(SubjectId about, Onlooker onlooker) {
        AtomicBoolean there = new AtomicBoolean();
        waiting.computeIfPresent(about, (subject, all) -> {
            there.set(all.remove(onlooker));
            return all.isEmpty() ? null : all;
        });
        return there.get();
    }
}
