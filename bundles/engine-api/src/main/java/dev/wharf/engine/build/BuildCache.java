package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.BuildCommand;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
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
import java.util.stream.Collectors;

/** What builds left to be found again: steps in the journal, and images without a name that hold their layers. */
public final class BuildCache {
    /** Steps that nobody used for so long go with the next build that ends. */
    private static final Duration UNUSED = Duration.ofDays(14);

    /** As many steps are kept at most; the longest unused go first. */
    private static final int MOST_STEPS = 5_000;

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

    /** The steps as {@code /system/df} lists them. */
    public static ArrayNode usage(Host host) {
        ArrayNode lines = Json.array();
        for (Map.Entry<Digest, BuildStep> one : host.steps().entrySet()) {
            BuildStep step = one.getValue();
            if (step.layer().isEmpty()) {
                continue;
            }
            boolean named = step.holder()
                    .flatMap(host::image)
                    .filter(i -> !i.references().isEmpty())
                    .isPresent();
            ObjectNode line = lines.addObject()
                    .put("ID", one.getKey().hex().substring(0, 25))
                    .put("Type", "regular")
                    .put("Description", step.instruction())
                    .put("InUse", named)
                    .put("Shared", named)
                    .put("Size", step.sizeBytes())
                    .put("CreatedAt", step.created())
                    .put("LastUsedAt", step.at().toString());
            line.put("UsageCount", 1);
        }
        return lines;
    }

    /** What was freed. */
    record Freed(List<String> keys, long sizeBytes) {}

    /** Forgets steps, and removes the images that were there for them alone. May block. */
    static Freed forget(Agent agent, Request request, Predicate<BuildStep> which) {
        Host before = agent.host();
        List<Digest> keys = before.steps().entrySet().stream()
                .filter(one -> which.test(one.getValue()))
                .map(Map.Entry::getKey)
                .toList();
        if (keys.isEmpty()) {
            return new Freed(List.of(), 0);
        }
        Set<ImageId> candidates = intermediates(before);
        try {
            agent.submit(new BuildCommand.Forget(keys), request.cause())
                    .toCompletableFuture()
                    .join();
        } catch (CompletionException e) {
            return new Freed(List.of(), 0);
        }
        candidates.removeAll(intermediates(agent.host()));
        Set<Digest> gone = new HashSet<>(keys);
        for (ImageId id : candidates) {
            try {
                agent.submit(new ImageCommand.Remove(id, Optional.empty(), id.shortForm(), false), request.cause())
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
    static void tidy(Agent agent, Request request) {
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
        if (steps.values().stream().anyMatch(step -> step.at().isBefore(before))) {
            forget(agent, request, step -> step.at().isBefore(before));
        }
    }
}
