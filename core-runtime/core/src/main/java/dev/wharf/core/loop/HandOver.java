package dev.wharf.core.loop;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverId;
import dev.wharf.model.InitProcess;
import dev.wharf.model.NetworkId;
import dev.wharf.spi.Driver;
import dev.wharf.spi.Driver.Format;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Asks a driver that comes whether it can go on where another one is: it must read what that one writes, and must find
 * everything that the host knows to be there. Nothing is passed between them, for there is nothing in their memory.
 */
final class HandOver {
    private static final int LOOKS = 6;
    private static final Duration PAUSE = Duration.ofMillis(200);

    private HandOver() {}

    /** What it reads and how many things it found, or why it may not serve. */
    record Verdict(List<Format> formats, int adopted, Optional<String> reason) {
        Verdict {
            formats = List.copyOf(formats);
        }

        static Verdict fit(List<Format> formats, int adopted) {
            return new Verdict(formats, adopted, Optional.empty());
        }

        static Verdict unfit(String reason) {
            return new Verdict(List.of(), 0, Optional.of(reason));
        }
    }

    /**
     * What was just made or removed may not be written down yet, or the other way round. So what seems to be missing is looked
     * for again, and missing is what is never found and always known.
     */
    static Verdict judge(Supplier<Host> host, DriverId id, Driver candidate) {
        try {
            Verdict verdict = judge(host.get(), id, candidate, known(host.get(), id, candidate));
            Set<String> missing = missing(host, id, candidate);
            for (int look = 1; verdict.reason().isEmpty() && !missing.isEmpty() && look < LOOKS; look++) {
                Thread.sleep(PAUSE.toMillis());
                missing.retainAll(missing(host, id, candidate));
            }
            if (verdict.reason().isPresent() || missing.isEmpty()) {
                return verdict;
            }
            String first = missing.stream().sorted().findFirst().orElseThrow();
            return Verdict.unfit(
                    "it does not find " + first + (missing.size() > 1 ? " and " + (missing.size() - 1) + " more" : ""));
        } catch (DriverException e) {
            return Verdict.unfit("it cannot look at the host: " + e.failure().message());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Verdict.unfit("interrupted while it looked at the host");
        }
    }

    private static Set<String> missing(Supplier<Host> host, DriverId id, Driver candidate) throws DriverException {
        Set<String> missing = new HashSet<>(known(host.get(), id, candidate));
        if (!missing.isEmpty()) {
            missing.removeAll(found(candidate));
        }
        return missing;
    }

    /** Whether it reads what is there and can do what that relies on. */
    private static Verdict judge(Host host, DriverId id, Driver candidate, Set<String> known) {
        List<Format> formats = List.copyOf(candidate.formats());
        Optional<String> unreadable = host.driver(id)
                .map(DriverBinding::formats)
                .flatMap(f -> f.stream().findFirst())
                .filter(f -> !known.isEmpty() && !formats.contains(f))
                .map(f -> "it does not read " + f + ", in which " + known.size() + " things are kept");
        if (unreadable.isEmpty()
                && candidate instanceof OciRuntime
                && candidate.capability(OciRuntime.Freezing.class).isEmpty()
                && host.containers().values().stream()
                        .anyMatch(c -> c.spec().runtime().equals(id.name())
                                && c.frozen().isPresent())) {
            return Verdict.unfit("it cannot resume containers, and some are paused");
        }
        return unreadable.map(Verdict::unfit).orElseGet(() -> Verdict.fit(formats, known.size()));
    }

    /** What the host knows to be there under the driver's name. */
    private static Set<String> known(Host host, DriverId id, Driver candidate) {
        Set<String> known = new HashSet<>();
        if (candidate instanceof StorageDriver) {
            host.containers().values().stream()
                    .filter(c ->
                            c.spec().storage().equals(id.name()) && c.rootfs().isPresent())
                    .forEach(c -> known.add(snapshot(SnapshotKey.of(c.id()))));
            host.kept().values().stream()
                    .filter(c ->
                            c.spec().storage().equals(id.name()) && c.rootfs().isPresent())
                    .forEach(c -> known.add(snapshot(SnapshotKey.of(c.id()))));
            host.layers().values().stream()
                    .filter(l -> l.storage().equals(id.name()) && l.snapshot().isPresent())
                    .forEach(l -> known.add(snapshot(SnapshotKey.of(l.id()))));
        } else if (candidate instanceof NetworkDriver network && network.leavesTraces()) {
            Set<NetworkId> networks = host.networks().values().stream()
                    .filter(n -> n.spec().driver().equals(id.name()))
                    .map(n -> n.id())
                    .collect(Collectors.toSet());
            host.containers().values().stream()
                    .flatMap(c -> c.places().values().stream())
                    .filter(p -> networks.contains(p.endpoint().network())
                            && p.fact().isPresent())
                    .forEach(p -> known.add(endpoint(p.endpoint().id())));
        } else if (candidate instanceof OciRuntime) {
            host.containers().values().stream()
                    .filter(c -> c.spec().runtime().equals(id.name()) && c.isRunning())
                    .forEach(c -> process(c).ifPresent(p -> known.add(process(c.id(), p))));
        }
        return known;
    }

    private static Set<String> found(Driver candidate) throws DriverException {
        Set<String> found = new HashSet<>();
        if (candidate instanceof StorageDriver storage) {
            for (Snapshot snapshot : storage.survey()) {
                found.add(snapshot(snapshot.key()));
            }
        } else if (candidate instanceof NetworkDriver network) {
            for (Endpoint endpoint : network.survey()) {
                found.add(endpoint(endpoint.id()));
            }
        } else if (candidate instanceof OciRuntime runtime) {
            Map<ContainerId, InitProcess> alive = new HashMap<>();
            for (OciRuntime.Found one : runtime.survey()) {
                one.process().ifPresent(p -> alive.put(one.container(), p));
            }
            alive.forEach((id, p) -> found.add(process(id, p)));
        }
        return found;
    }

    private static Optional<InitProcess> process(Container c) {
        return c.process().value().map(Container.Process::init);
    }

    private static String snapshot(SnapshotKey key) {
        return "snapshot " + key.value();
    }

    private static String endpoint(String id) {
        return "endpoint " + id;
    }

    private static String process(ContainerId id, InitProcess process) {
        return "process " + process.pid() + " of container " + id;
    }
}
