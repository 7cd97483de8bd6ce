package dev.wharf.engine.build;

import dev.wharf.build.run.CacheMounts.Kept;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Times;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a client allows to be forgotten of what builds left.
 *
 * @param all also what an image with a name has, too, since forgetting that would free nothing
 * @param until only what was last used before
 * @param room as many bytes stay all the same
 */
record PruneRules(Filters filters, Optional<Instant> until, boolean all, long room) {
    private static final Set<String> KNOWN =
            Set.of("until", "unused-for", "id", "type", "description", "inuse", "shared", "private", "label", "label!");

    /** @param filters in JSON, as the Engine API has them */
    static PruneRules read(String filters, boolean all, long room) {
        Filters read = Filters.parse(filters, KNOWN);
        return new PruneRules(
                read, read.only("until").or(() -> read.first("unused-for")).map(Times::parse), all, room);
    }

    PruneRules until(Optional<Instant> other) {
        return other.isPresent() ? new PruneRules(filters, other, all, room) : this;
    }

    /** A prune of the whole system tells every kind of the labels it wants; what is cached has none. */
    private boolean isChosen(Instant lastUse) {
        return filters.labels(Map.of()) && until.map(lastUse::isBefore).orElse(true);
    }

    boolean take(BuildCache.Entry entry) {
        return isChosen(entry.lastUse())
                && (all || !entry.inUse())
                && filters.any("id", entry.id()::startsWith)
                && filters.any("type", BuildCache.Entry.TYPE::equals)
                && filters.any("description", entry.step().instruction()::contains)
                && filters.flag("inuse").map(f -> f == entry.inUse()).orElse(true)
                && filters.flag("shared").map(f -> f == entry.inUse()).orElse(true)
                && filters.flag("private").map(f -> f != entry.inUse()).orElse(true);
    }

    boolean take(Kept folder) {
        return isChosen(folder.lastUse())
                && filters.any("id", BuildCache.id(folder)::startsWith)
                && filters.any("type", BuildCache.type(folder)::equals)
                && filters.any("description", BuildCache.describe(folder)::contains)
                && !filters.flag("inuse").orElse(false)
                && !filters.flag("shared").orElse(false)
                && filters.flag("private").orElse(true);
    }
}
