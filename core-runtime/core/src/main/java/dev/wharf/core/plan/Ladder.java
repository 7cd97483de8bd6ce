package dev.wharf.core.plan;

import dev.wharf.core.state.Fact.Certainty;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What a subject can hold, each thing with what it stands on, the step that gets it and the one that lets go. Things that do
 * not stand on each other are worked on side by side, so a start costs the longest of its effects and not their sum.
 */
record Ladder(List<Rung> rungs) {
    /**
     * One thing to hold.
     *
     * @param standsOn the rungs that must be there before it, and may not go while it is there
     */
    record Rung(
            String name,
            boolean wanted,
            Certainty certainty,
            List<String> standsOn,
            Supplier<Proposal> ensure,
            Supplier<Proposal> release) {
        boolean isAbsent() {
            return certainty == Certainty.ABSENT;
        }

        boolean isPresent() {
            return certainty == Certainty.PRESENT;
        }
    }

    /**
     * Lets go of what is unwanted and carries nothing, and takes hold of what is wanted and has its footing. Doubt is neither
     * absent nor present, so it never rests: it is let go or made sure.
     */
    Proposal next(Set<String> busy) {
        Proposal all = Proposal.REST;
        for (Rung rung : rungs) {
            if (busy.contains(rung.name())) {
                all = all.and(Proposal.AWAIT);
            } else if (!rung.wanted() && !rung.isAbsent()) {
                all = all.and(
                        carries(rung, busy) ? Proposal.AWAIT : rung.release().get());
            } else if (rung.wanted() && !rung.isPresent()) {
                all = all.and(stands(rung, busy) ? rung.ensure().get() : Proposal.AWAIT);
            }
        }
        return all;
    }

    private boolean carries(Rung rung, Set<String> busy) {
        return rungs.stream()
                .anyMatch(r -> r.standsOn().contains(rung.name()) && (!r.isAbsent() || busy.contains(r.name())));
    }

    private boolean stands(Rung rung, Set<String> busy) {
        return rungs.stream()
                .filter(r -> rung.standsOn().contains(r.name()))
                .allMatch(r -> r.isPresent() && !busy.contains(r.name()));
    }
}
