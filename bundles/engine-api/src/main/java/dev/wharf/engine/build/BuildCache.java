package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.wharf.build.run.CacheMounts;
import dev.wharf.build.run.CacheMounts.Kept;
import dev.wharf.buildkit.Workshop.Remembered;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.BuildCommand;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Host;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What builds left to be found again: steps in the journal, and images without a name that hold their layers. */
public final class BuildCache {
    /** Steps that nobody used for so long go with the next build that ends. */
    private static final Duration UNUSED = Duration.ofDays(14);

    /** As many steps are kept at most; the longest unused go first. */
    private static final int MOST_STEPS = 5_000;

    /** What BuildKit calls what cache mounts hold. */
    private static final String MOUNT = "exec.cachemount";

    /** What BuildKit calls a context that a client sent. */
    private static final String CONTEXT = "source.local";

    /** The folder that contexts are kept in. */
    private static final String CONTEXTS = "contexts";

    private static final Logger LOG = LoggerFactory.getLogger(BuildCache.class);

    private BuildCache() {}

    /** Images that are there for builds only: they have no name, and a step says that it needs them. */
    public static Set<ImageId> intermediates(Host host) {
        return host.steps().values().stream()
                .flatMap(step -> step.holder().stream())
                .filter(id -> host.image(id)
                        .filter(i -> i.wanted() && i.references().isEmpty())
                        .isPresent())
                .collect(Collectors.toSet());
    }

    /**
     * One step that later builds may take.
     *
     * @param inUse whether an image with a name has its layer, too, so that forgetting it frees nothing
     * @param uses how many of the builds that are remembered did it or took it
     */
    public record Entry(Digest key, BuildStep step, boolean inUse, long uses) {
        static final String TYPE = "regular";

        /** What clients call it. */
        public String id() {
            return key.hex().substring(0, 25);
        }

        public Instant lastUse() {
            return step.at();
        }
    }

    /** Every step that is remembered, the last used first. */
    public static List<Entry> entries(Host host) {
        Map<Digest, Long> uses = host.builds().values().stream()
                .flatMap(build -> build.steps().stream())
                .collect(Collectors.groupingBy(BuildStep::key, Collectors.counting()));
        return host.steps().entrySet().stream()
                .map(one -> new Entry(
                        one.getKey(),
                        one.getValue(),
                        one.getValue()
                                .holder()
                                .flatMap(host::image)
                                .filter(i -> !i.references().isEmpty())
                                .isPresent(),
                        uses.getOrDefault(one.getKey(), 0L)))
                .sorted(Comparator.comparing(Entry::lastUse).reversed())
                .toList();
    }

    /** Where the folders of {@code --mount=type=cache} are. */
    public static Path caches(AgentFacts facts) {
        return facts.dataRoot().resolve("build/caches");
    }

    /** Where contexts are kept, beside the folders of cache mounts. */
    static Path contexts(Path caches) {
        return caches.resolveSibling(CONTEXTS);
    }

    /** What cache mounts hold, and contexts that are kept. */
    static List<Kept> folders(Path caches) {
        try {
            List<Kept> all = new ArrayList<>(CacheMounts.list(caches));
            all.addAll(CacheMounts.list(contexts(caches)));
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException("the folders of the build cache cannot be read", e);
        }
    }

    private static boolean isContext(Kept folder) {
        return folder.folder().resolveSibling("").endsWith(CONTEXTS);
    }

    /** What clients call a folder. */
    static String id(Kept folder) {
        return Digest.sha256(folder.name()).hex().substring(0, 25);
    }

    /** What clients call its kind. */
    static String type(Kept folder) {
        return isContext(folder) ? CONTEXT : MOUNT;
    }

    /** The steps that have files, the cache mounts and the contexts. May block. */
    static List<Remembered> remembered(Host host, Path caches) {
        List<Remembered> all = new ArrayList<>();
        for (Entry entry : entries(host)) {
            if (entry.step().layer().isPresent()) {
                all.add(new Remembered(
                        entry.id(),
                        Entry.TYPE,
                        entry.step().instruction(),
                        entry.inUse(),
                        entry.inUse(),
                        entry.step().sizeBytes(),
                        entry.step().created(),
                        entry.lastUse(),
                        entry.uses()));
            }
        }
        for (Kept folder : folders(caches)) {
            all.add(new Remembered(
                    id(folder),
                    type(folder),
                    describe(folder),
                    folder.inUse(),
                    false,
                    folder.sizeBytes(),
                    folder.lastUse().toString(),
                    folder.lastUse(),
                    1));
        }
        return all;
    }

    /** The same as {@code /system/df} lists it. May block. */
    public static ArrayNode usage(Host host, Path caches) {
        ArrayNode lines = Json.array();
        for (Remembered one : remembered(host, caches)) {
            lines.addObject()
                    .put("ID", one.id())
                    .put("Type", one.type())
                    .put("Description", one.description())
                    .put("InUse", one.inUse())
                    .put("Shared", one.shared())
                    .put("Size", one.sizeBytes())
                    .put("CreatedAt", one.createdAt())
                    .put("LastUsedAt", one.lastUsedAt().toString())
                    .put("UsageCount", one.uses());
        }
        return lines;
    }

    static String describe(Kept folder) {
        return isContext(folder)
                ? "local source for " + folder.id()
                : "cached mount " + folder.id() + " of RUN --mount=type=cache";
    }

    /** What would be freed if nothing were remembered. May block. */
    public static long sizeBytes(Host host, Path caches) {
        return entries(host).stream()
                        .filter(entry -> !entry.inUse())
                        .mapToLong(entry -> entry.step().sizeBytes())
                        .sum()
                + folders(caches).stream().mapToLong(Kept::sizeBytes).sum();
    }

    /** What was freed. */
    public record Freed(List<String> keys, long sizeBytes) {}

    /** Something that may go. */
    private record Candidate(Instant lastUse, long sizeBytes, Optional<Digest> step, Optional<Kept> mount) {}

    /** Forgets what the rules allow to forget; may block. */
    static Freed prune(Agent agent, Supplier<Cause> cause, Path caches, PruneRules rules) {
        return prune(agent, cause, caches, rules::take, rules::take, rules.room());
    }

    /**
     * Forgets steps, and removes cache mounts that no step uses and contexts that are kept; may block.
     *
     * @param room as many bytes of what may go stay all the same: those that were used last
     */
    public static Freed prune(
            Agent agent,
            Supplier<Cause> cause,
            Path caches,
            Predicate<Entry> steps,
            Predicate<Kept> mounts,
            long room) {
        List<Candidate> candidates = new ArrayList<>();
        for (Entry entry : entries(agent.host())) {
            if (steps.test(entry)) {
                candidates.add(new Candidate(
                        entry.lastUse(), entry.step().sizeBytes(), Optional.of(entry.key()), Optional.empty()));
            }
        }
        for (Kept mount : folders(caches)) {
            if (!mount.inUse() && mounts.test(mount)) {
                candidates.add(new Candidate(mount.lastUse(), mount.sizeBytes(), Optional.empty(), Optional.of(mount)));
            }
        }
        candidates.sort(Comparator.comparing(Candidate::lastUse).reversed());
        long left = room;
        Set<Digest> doomed = new HashSet<>();
        List<Kept> folders = new ArrayList<>();
        for (Candidate one : candidates) {
            left -= one.sizeBytes();
            if (room == 0 || left < 0) {
                one.step().ifPresent(doomed::add);
                one.mount().ifPresent(folders::add);
            }
        }
        return remove(agent, folders, forget(agent, cause, doomed));
    }

    private static Freed remove(Agent agent, List<Kept> folders, Freed before) {
        List<String> gone = new ArrayList<>(before.keys());
        long freed = before.sizeBytes();
        for (Kept folder : folders) {
            try {
                if (CacheMounts.remove(folder, agent.streams().files())) {
                    gone.add(id(folder));
                    freed += folder.sizeBytes();
                }
            } catch (IOException | DriverException e) {
                LOG.warn("a folder of the build cache stays folder={} reason={}", folder.folder(), e.getMessage());
            }
        }
        return new Freed(gone, freed);
    }

    /** Forgets steps, and removes the images that were there for them alone. May block. */
    private static Freed forget(Agent agent, Supplier<Cause> cause, Set<Digest> which) {
        Host before = agent.host();
        List<Digest> keys = which.stream().filter(before.steps()::containsKey).toList();
        if (keys.isEmpty()) {
            return new Freed(List.of(), 0);
        }
        Set<ImageId> candidates = intermediates(before);
        try {
            agent.submit(new BuildCommand.Forget(keys), cause.get())
                    .toCompletableFuture()
                    .join();
        } catch (CompletionException e) {
            return new Freed(List.of(), 0);
        }
        candidates.removeAll(intermediates(agent.host()));
        Set<Digest> gone = new HashSet<>(keys);
        for (ImageId id : candidates) {
            try {
                agent.submit(new ImageCommand.Remove(id, Optional.empty(), id.shortForm(), false), cause.get())
                        .toCompletableFuture()
                        .join();
            } catch (CompletionException e) {
                // A container stands on it, or somebody named it: then it is no longer ours.
                continue;
            }
        }
        Host after = agent.host();
        long freed = before.steps().entrySet().stream()
                .filter(one -> gone.contains(one.getKey()))
                .flatMap(one -> one.getValue().layer().stream())
                .map(layer -> layer.id())
                .distinct()
                .filter(layer -> !after.isWanted(layer))
                .flatMap(layer -> before.layer(layer).stream())
                .mapToLong(layer -> layer.sizeBytes())
                .sum();
        return new Freed(keys.stream().map(key -> key.hex().substring(0, 25)).toList(), freed);
    }

    /** Keeps the cache within its bounds. */
    static void tidy(Agent agent, Supplier<Cause> cause, Path caches) {
        Map<Digest, BuildStep> steps = agent.host().steps();
        Instant oldest = Instant.now().minus(UNUSED);
        Instant since = oldest;
        if (steps.size() > MOST_STEPS) {
            List<Instant> times = new ArrayList<>(steps.values().stream()
                    .map(BuildStep::at)
                    .sorted(Comparator.reverseOrder())
                    .toList());
            since = times.get(MOST_STEPS - 1);
        }
        Instant before = since.isAfter(oldest) ? since : oldest;
        if (steps.values().stream().anyMatch(step -> step.at().isBefore(before))
                || areOld(caches, oldest)
                || areOld(contexts(caches), oldest)) {
            prune(
                    agent,
                    cause,
                    caches,
                    entry -> entry.lastUse().isBefore(before),
                    mount -> mount.lastUse().isBefore(oldest),
                    0);
        }
    }

    private static boolean areOld(Path folders, Instant oldest) {
        try {
            return CacheMounts.areOlder(folders, oldest);
        } catch (IOException e) {
            LOG.warn("folders of the build cache cannot be read folder={} reason={}", folders, e.getMessage());
            return false;
        }
    }
}
