package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.Sources;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.plan.MountWords;
import dev.wharf.build.plan.Stage;
import dev.wharf.build.plan.Stages;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** What a build takes from its context, as far as that can be told before it begins. */
public final class Needed {
    private final Stages stages;
    private final Triggers triggers;
    private final Set<String> paths = new TreeSet<>();

    /** What images do when something is built on them. */
    public interface Triggers {
        /** @return instructions; empty where the image is not known yet */
        Optional<List<String>> of(String image);
    }

    private Needed(Stages stages, Triggers triggers) {
        this.stages = stages;
        this.triggers = triggers;
    }

    /** The whole context may be needed. */
    private static final class AllException extends Exception {
        private static final long serialVersionUID = 1L;

        AllException() {
            super("", null, false, false);
        }
    }

    /** Paths and patterns of what the wanted stages take; empty where that may be all there is. */
    public static Optional<Set<String>> paths(Stages stages, Triggers triggers) throws DockerfileException {
        Needed needed = new Needed(stages, triggers);
        try {
            for (int index : stages.wanted()) {
                needed.stage(stages.all().get(index));
            }
            return Optional.of(needed.paths);
        } catch (AllException e) {
            return Optional.empty();
        }
    }

    private void stage(Stage stage) throws AllException, DockerfileException {
        for (String trigger : fired(stage)) {
            instruction(Dockerfile.trigger(trigger));
        }
        for (Instruction one : stage.body()) {
            instruction(one);
        }
    }

    private List<String> fired(Stage stage) throws AllException {
        if (stage.baseStage().isPresent()) {
            return stages.all().get(stage.baseStage().get()).body().stream()
                    .filter(one -> one.word().equals("ONBUILD"))
                    .map(Instruction::rest)
                    .toList();
        }
        return stage.base().equals(Stages.SCRATCH)
                ? List.of()
                : triggers.of(stage.base()).orElseThrow(AllException::new);
    }

    private void instruction(Instruction one) throws AllException {
        switch (one.word()) {
            case "COPY", "ADD" -> {
                if (one.flag("from").isEmpty()) {
                    for (String source : one.words().subList(0, one.words().size() - 1)) {
                        boolean brought = one.word().equals("ADD") && Download.isElsewhere(source);
                        if (!brought && (one.heredocs().isEmpty() || !source.startsWith("<<"))) {
                            add(source);
                        }
                    }
                }
            }
            case "RUN" -> {
                for (String mount : one.flags("mount")) {
                    mount(MountWords.of(mount));
                }
            }
            default -> {}
        }
    }

    private void mount(Map<String, String> words) throws AllException {
        if (!words.containsKey("from") && words.getOrDefault("type", "bind").equals("bind")) {
            add(words.getOrDefault("source", "/"));
        }
    }

    private void add(String source) throws AllException {
        try {
            // What a variable holds may come from an image, and clients know one star only.
            String path = Sources.relative(source);
            if (path.isEmpty() || path.contains("$") || path.contains("**")) {
                throw new AllException();
            }
            paths.add(path);
        } catch (ContextException e) {
            throw new AllException();
        }
    }
}
