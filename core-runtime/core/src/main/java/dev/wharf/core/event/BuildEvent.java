package dev.wharf.core.event;

import dev.wharf.core.state.Build;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.SubjectId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What happened to builds. The steps that are remembered are the cache of later builds. */
public sealed interface BuildEvent extends Event {
    @Override
    default SubjectId subject() {
        return new SubjectId.HostItself();
    }

    @EventType("build.begun")
    record Begun(String build, Instant at, String file, List<String> names) implements BuildEvent {
        public Begun {
            names = List.copyOf(names);
        }

        @Override
        public Host apply(Host host) {
            return host.with(new Build(build, at, file, names, List.of(), Optional.empty(), Optional.empty(), ""));
        }
    }

    @EventType("build.stepped")
    record Stepped(BuildStep step) implements BuildEvent {
        @Override
        public Host apply(Host host) {
            return host.with(step);
        }
    }

    @EventType("build.ended")
    record Ended(String build, Duration took, Optional<ImageId> image, String failure) implements BuildEvent {
        @Override
        public Host apply(Host host) {
            Build known = host.builds().get(build);
            return known == null ? host : host.with(known.ended(took, image, failure));
        }
    }

    /** Steps are no longer taken by later builds. */
    @EventType("build.forgotten")
    record Forgotten(List<Digest> keys) implements BuildEvent {
        public Forgotten {
            keys = List.copyOf(keys);
        }

        @Override
        public Host apply(Host host) {
            return host.withoutSteps(keys);
        }
    }

    /** A build is no longer remembered; its steps are. */
    @EventType("build.removed")
    record Removed(String build) implements BuildEvent {
        @Override
        public Host apply(Host host) {
            return host.withoutBuild(build);
        }
    }

    @EventType("build.recorded")
    record Recorded(Build state) implements BuildEvent {
        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    /** A step that later builds take, written down whole by a checkpoint. */
    @EventType("build.step-recorded")
    record StepRecorded(Digest key, BuildStep state) implements BuildEvent {
        @Override
        public Host apply(Host host) {
            return host.remember(key, state);
        }
    }
}
