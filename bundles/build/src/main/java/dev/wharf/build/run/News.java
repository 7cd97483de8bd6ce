package dev.wharf.build.run;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/** What a build tells as it happens, with no regard to which stage's turn it is, for clients that show stages side by side. */
public sealed interface News {
    /**
     * What will be built.
     *
     * @param steps of all stages that are built
     */
    record Planned(int steps, List<Part> stages) implements News {
        public Planned {
            stages = List.copyOf(stages);
        }
    }

    /**
     * One stage of a plan.
     *
     * @param first the number of its first step
     * @param works the numbers of the steps that do more than to note something in the image's config
     * @param needs the names of stages that it waits for
     */
    record Part(String name, String base, int first, int steps, List<Integer> works, Set<String> needs) {
        public Part {
            works = List.copyOf(works);
            needs = Set.copyOf(needs);
        }
    }

    record Begun(int step, String stage, String instruction) implements News {}

    /**
     * Output of a step.
     *
     * @param error whether it came on the stream for errors
     */
    record Said(int step, boolean error, String text) implements News {
        private static final String RED = "\u001b[91m";
        private static final String PLAIN = "\u001b[0m";

        /** As the classic builder sends it, which has one stream and two colours. */
        public String coloured() {
            return error ? RED + text + PLAIN : text;
        }
    }

    record Done(int step, boolean cached, Duration took, long sizeBytes) implements News {}

    record Failed(int step, Duration took) implements News {}

    /** Something that is no error and that whoever wrote the Dockerfile should know. */
    record Warned(String text) implements News {}
}
