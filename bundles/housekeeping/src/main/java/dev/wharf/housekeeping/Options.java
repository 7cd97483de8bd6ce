package dev.wharf.housekeeping;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The settings of one job, by their names without the job's; all of them are known to be well written. */
record Options(String job, Map<String, String> values) {
    Options {
        values = Map.copyOf(values);
    }

    /** The same with some settings of its own; an IllegalArgumentException says which one there is not, or what is wrong. */
    Options with(Map<String, String> others) {
        Map<String, String> all = new HashMap<>(values);
        others.forEach((name, value) -> {
            Settings.check(job + "." + name, value);
            all.put(name, value.strip());
        });
        return new Options(job, all);
    }

    String text(String name) {
        return values.getOrDefault(name, "");
    }

    Optional<Duration> span(String name) {
        return text(name).isEmpty() ? Optional.empty() : Optional.of(Forms.span(text(name)));
    }

    /** Bytes, or a share of a whole. */
    OptionalLong size(String name, long whole) {
        return text(name).isEmpty() ? OptionalLong.empty() : OptionalLong.of(Forms.size(text(name), whole));
    }

    long number(String name) {
        return Long.parseLong(text(name));
    }

    List<String> words(String name) {
        return Arrays.stream(text(name).split(","))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }
}
