package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Build;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Wishes about builds: they are done by a front, which writes down what it does. */
public sealed interface BuildCommand extends Command {
    record Begin(String build, String file, List<String> names) implements BuildCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new BuildEvent.Begun(build, now, file, names));
        }
    }

    /** Writes steps down, in their order. */
    record Note(List<BuildStep> steps) implements BuildCommand {
        public Note {
            steps = List.copyOf(steps);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return steps.isEmpty()
                    ? refuse(Refusal.Kind.INVALID, "no step to note")
                    : accept(steps.stream()
                            .map(step -> (Event) new BuildEvent.Stepped(step))
                            .toList());
        }
    }

    record End(String build, Duration took, Optional<ImageId> image, String failure) implements BuildCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new BuildEvent.Ended(build, took, image, failure));
        }
    }

    /** Lets what is remembered of a build go, but not its steps. */
    record Remove(String build) implements BuildCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Build known = host.builds().get(build);
            if (known == null) {
                return refuse(Refusal.Kind.MISSING, "no build " + build + " is remembered");
            }
            return known.isUnderWay()
                    ? refuse(Refusal.Kind.CONFLICT, "build " + build + " is under way; cancel it first")
                    : accept(new BuildEvent.Removed(build));
        }
    }

    /** Takes steps out of the cache. */
    record Forget(List<Digest> keys) implements BuildCommand {
        public Forget {
            keys = List.copyOf(keys);
        }

        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            List<Digest> known = keys.stream().filter(host.steps()::containsKey).toList();
            return known.isEmpty()
                    ? refuse(Refusal.Kind.UNCHANGED, "no such step is remembered")
                    : accept(new BuildEvent.Forgotten(known));
        }
    }
}
