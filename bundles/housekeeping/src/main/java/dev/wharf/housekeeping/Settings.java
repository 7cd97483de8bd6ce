package dev.wharf.housekeeping;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What the operator said, checked key by key: one that is wrong leaves what was there before, and is told of.
 *
 * @param values of every setting there is
 * @param refused why a setting was not taken, by its key
 */
record Settings(Map<String, String> values, Map<String, String> refused) {
    /** One setting: what it usually is, and what says whether a value may be. */
    private record Known(String usual, Consumer<String> check) {}

    private static final Map<String, String> IMAGES = new TreeMap<>(Map.of("unused", "", "dangling", "", "none", ""));
    private static final Map<String, String> SCRUBBED =
            new TreeMap<>(Map.of("images", "", "journal", "", "layers", ""));
    private static final Map<String, Known> KNOWN = known();

    private static Map<String, Known> known() {
        Map<String, Known> all = new LinkedHashMap<>();
        all.put("gc.schedule", new Known("", Forms::cron));
        all.put("gc.images", new Known("unused", text -> Forms.among(IMAGES, text)));
        all.put("gc.unused.for", new Known("30d", Settings::span));
        all.put("gc.keep.storage", new Known("", Settings::size));
        all.put("gc.min.age", new Known("1h", Forms::span));
        all.put("gc.keep.labels", new Known("", text -> {}));
        all.put("gc.keep.references", new Known("", text -> {}));
        all.put("gc.cache.unused.for", new Known("14d", Settings::span));
        all.put("gc.cache.keep.storage", new Known("", Settings::size));
        all.put("journal.schedule", new Known("0 10 3 * * ?", Forms::cron));
        all.put("journal.keep", new Known("", Settings::span));
        all.put("journal.size", new Known("", Settings::size));
        all.put("logs.schedule", new Known("0 5 3 * * ?", Forms::cron));
        all.put("scrub.schedule", new Known("0 30 3 ? * SUN", Forms::cron));
        all.put("scrub.what", new Known("images,layers,journal", Settings::scrubbed));
        all.put("scrub.rate.mib", new Known("100", text -> Forms.number(text, 1, 1_000_000)));
        all.put("survey.schedule", new Known("0 20 3 * * ?", Forms::cron));
        all.put("undelete.schedule", new Known("0 15 3 * * ?", Forms::cron));
        all.put("undelete.keep.storage", new Known("", Settings::size));
        return all;
    }

    static final Settings USUAL = usual();

    Settings {
        values = Map.copyOf(values);
        refused = Map.copyOf(refused);
    }

    private static Settings usual() {
        Map<String, String> values = new HashMap<>();
        KNOWN.forEach((key, known) -> values.put(key, known.usual()));
        return new Settings(values, Map.of());
    }

    /** What was given now, and for what is wrong of it what was so before. */
    static Settings of(Map<String, ?> given, Settings before) {
        Map<String, String> values = new HashMap<>();
        Map<String, String> refused = new TreeMap<>();
        KNOWN.forEach((key, known) -> {
            Object value = given.get(key);
            String text = value == null ? known.usual() : value.toString().strip();
            try {
                known.check().accept(text);
                values.put(key, text);
            } catch (IllegalArgumentException | ArithmeticException e) {
                String former = before.values().getOrDefault(key, known.usual());
                values.put(key, former);
                refused.put(
                        key,
                        key + " = " + text + ": " + e.getMessage() + "; " + (former.isEmpty() ? "nothing" : former)
                                + " stays");
            }
        });
        return new Settings(values, refused);
    }

    /** The settings of a job. */
    Options of(String job) {
        Map<String, String> own = new HashMap<>();
        values.forEach((key, value) -> {
            if (key.startsWith(job + ".")) {
                own.put(key.substring(job.length() + 1), value);
            }
        });
        return new Options(job, own);
    }

    /** What was refused of a job's settings, in words. */
    String troubleOf(String job) {
        List<String> why = new ArrayList<>();
        new TreeMap<>(refused).forEach((key, reason) -> {
            if (key.startsWith(job + ".")) {
                why.add(reason);
            }
        });
        return String.join("; ", why);
    }

    /** Says with an IllegalArgumentException what is wrong with a setting. */
    static void check(String key, String value) {
        Known known = KNOWN.get(key);
        if (known == null || key.endsWith(".schedule")) {
            int dot = key.indexOf('.');
            throw new IllegalArgumentException(
                    "job " + key.substring(0, dot) + " has no setting " + key.substring(dot + 1) + " for one run");
        }
        try {
            known.check().accept(value.strip());
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new IllegalArgumentException(key + " = " + value + ": " + e.getMessage(), e);
        }
    }

    private static void span(String text) {
        if (!text.isEmpty()) {
            Forms.span(text);
        }
    }

    private static void size(String text) {
        if (!text.isEmpty()) {
            Forms.size(text, 0);
        }
    }

    private static void scrubbed(String text) {
        for (String one : text.split(",")) {
            Forms.among(SCRUBBED, one.strip());
        }
    }
}
