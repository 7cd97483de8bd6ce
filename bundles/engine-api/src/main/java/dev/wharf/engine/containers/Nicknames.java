package dev.wharf.engine.containers;

import dev.wharf.core.command.Entropy;
import dev.wharf.core.state.Host;
import java.util.List;

/** Names for containers nobody named: an adjective and something one meets at a wharf. */
final class Nicknames {
    private static final List<String> ADJECTIVES = List.of(
            "able", "amber", "brave", "brisk", "bright", "calm", "clever", "cosy", "crisp", "deft", "eager", "fair",
            "fleet", "fond", "frank", "gentle", "glad", "golden", "grand", "hardy", "honest", "jolly", "keen", "kind",
            "lively", "loyal", "lucid", "merry", "mild", "neat", "nimble", "noble", "patient", "plucky", "proud",
            "quick", "quiet", "ready", "rosy", "salty", "silver", "sleek", "snug", "spry", "steady", "sturdy", "sunny",
            "swift", "tidy", "trim", "true", "upbeat", "vivid", "warm", "wise", "witty", "zesty");
    private static final List<String> NOUNS = List.of(
            "anchor",
            "barge",
            "beacon",
            "bollard",
            "bosun",
            "bow",
            "breeze",
            "brig",
            "buoy",
            "capstan",
            "clipper",
            "compass",
            "coral",
            "crane",
            "cutter",
            "derrick",
            "dinghy",
            "dock",
            "dolphin",
            "ferry",
            "fender",
            "galley",
            "gangway",
            "gull",
            "halyard",
            "harbour",
            "hawser",
            "heron",
            "hull",
            "jetty",
            "kayak",
            "keel",
            "ketch",
            "lagoon",
            "lantern",
            "lighter",
            "mast",
            "mooring",
            "otter",
            "pelican",
            "pennant",
            "pier",
            "pilot",
            "porpoise",
            "quay",
            "rudder",
            "sail",
            "schooner",
            "seal",
            "sextant",
            "skiff",
            "sloop",
            "tern",
            "tide",
            "tiller",
            "trawler",
            "tug",
            "winch",
            "yawl");

    private Nicknames() {}

    /** A name that nobody has now; the same chance gives the same name while it is free. */
    static String free(Host host, Entropy entropy) {
        for (int i = 0; ; i++) {
            String name = ADJECTIVES.get(entropy.number("adjective/" + i, ADJECTIVES.size())) + "_"
                    + NOUNS.get(entropy.number("noun/" + i, NOUNS.size()));
            String candidate = i < 8 ? name : name + entropy.number("digits/" + i, 1000);
            if (host.containerNamed(candidate).isEmpty()) {
                return candidate;
            }
        }
    }
}
