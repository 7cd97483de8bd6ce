package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.dockerfile.Words;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Which names of variables are known, as a Dockerfile is read from the top. One thread at a time. */
final class Known {
    private final Stages stages;
    private final Checks.Bases bases;
    private final Words words;
    private final Map<Integer, Names> ends = new HashMap<>();
    private Names now = new Names(false);

    /** The names that are known at one place. */
    private static final class Names {
        private final boolean whole;
        private final Set<String> valued = new TreeSet<>(Set.of("PATH"));
        private final Set<String> declared = new HashSet<>();

        /** @param whole whether there are no others */
        Names(boolean whole) {
            this.whole = whole;
        }

        Names copy() {
            Names copy = new Names(whole);
            copy.valued.addAll(valued);
            copy.declared.addAll(declared);
            return copy;
        }
    }

    Known(Stages stages, Checks.Bases bases) {
        this.stages = stages;
        this.bases = bases;
        this.words = new Words(stages.dockerfile().escape());
    }

    /** Begins a stage; the one that it is made from was read before. */
    void enter(Stage stage) {
        if (stage.baseStage().isPresent()) {
            Names before = ends.get(stage.baseStage().get());
            now = before == null ? new Names(false) : before.copy();
        } else if (stage.base().equals(Stages.SCRATCH)) {
            now = new Names(true);
        } else {
            Optional<Set<String>> base = bases.variables(stage.base());
            now = new Names(base.isPresent());
            base.ifPresent(now.valued::addAll);
        }
        ends.put(stage.index(), now);
    }

    /** The names of variables that have a value here. */
    Set<String> names() {
        return now.valued;
    }

    /** What an instruction mentions and nothing before it knows. */
    Set<String> undefined(Instruction one) {
        Set<String> unknown = new TreeSet<>();
        if (now.whole) {
            mention(one, unknown);
            unknown.removeAll(now.valued);
            unknown.removeAll(now.declared);
        }
        return unknown;
    }

    private void mention(Instruction one, Set<String> names) {
        switch (one.word()) {
            case "ENV", "LABEL", "VOLUME" -> mention(one.words(), names);
            case "WORKDIR", "USER", "STOPSIGNAL" -> mention(List.of(one.rest()), names);
            case "COPY", "ADD" -> {
                for (String flag : List.of("chown", "chmod", "checksum")) {
                    mention(one.flags(flag), names);
                }
                mention(one.words(), names);
                one.heredocs().stream()
                        .filter(document -> document.expands())
                        .forEach(document -> names.addAll(words.mentionsInBody(document.content())));
            }
            case "RUN" ->
                one.flags("mount")
                        .forEach(mount ->
                                mention(List.copyOf(MountWords.of(mount).values()), names));
            case "ARG" ->
                one.words().stream()
                        .filter(word -> word.contains("=") && !stages.outer().isGiven(name(word)))
                        .forEach(word -> mention(List.of(word), names));
            default -> {}
        }
    }

    private void mention(List<String> texts, Set<String> names) {
        texts.forEach(text -> names.addAll(words.mentions(text)));
    }

    /** Goes on behind an instruction. */
    void after(Instruction one) {
        if (one.word().equals("ENV")) {
            for (int i = 0; i < one.words().size(); i += 2) {
                now.valued.add(one.words().get(i));
            }
        } else if (one.word().equals("ARG")) {
            for (String word : one.words()) {
                String name = name(word);
                now.declared.add(name);
                if (word.contains("=")
                        || stages.outer().isGiven(name)
                        || stages.outer().value(name).isPresent()) {
                    now.valued.add(name);
                }
            }
        }
    }

    private static String name(String argument) {
        return argument.split("=", 2)[0];
    }
}
