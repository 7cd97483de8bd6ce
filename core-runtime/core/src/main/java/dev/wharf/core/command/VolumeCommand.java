package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Volume;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Wishes about volumes. */
public sealed interface VolumeCommand extends Command {
    /** What is wrong with the name and the options of a volume, in Docker's words. */
    static Optional<String> wrong(VolumeSpec spec) {
        if (spec.name().value().length() > LONGEST_NAME) {
            return Optional.of("file name too long");
        }
        Map<String, String> options = spec.options();
        for (String name : options.keySet()) {
            if (name.equals("size")) {
                return Optional.of("quota size requested but no quota support");
            }
            if (!OPTIONS.contains(name)) {
                return Optional.of("invalid option: \"" + name + "\"");
            }
        }
        for (String needed : List.of("device", "type")) {
            if (!options.isEmpty() && options.getOrDefault(needed, "").isEmpty()) {
                return Optional.of("missing required option: \"" + needed + "\"");
            }
        }
        return Optional.empty();
    }

    /** It is the name of a directory as well. */
    int LONGEST_NAME = 255;

    /** Options of the local driver. */
    List<String> OPTIONS = List.of("type", "o", "device");

    /** Makes a volume; one that is there already is UNCHANGED. */
    record Create(VolumeSpec spec) implements VolumeCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            if (!spec.driver().equals(VolumeSpec.LOCAL)) {
                return refuse(
                        Refusal.Kind.MISSING,
                        "create " + spec.name() + ": error looking up volume plugin " + spec.driver() + ": plugin \""
                                + spec.driver() + "\" not found");
            }
            Optional<Volume> known = host.volume(spec.name());
            if (known.isPresent() && !known.get().isKept()) {
                return known.get().wanted()
                        ? refuse(Refusal.Kind.UNCHANGED, "volume " + spec.name() + " exists")
                        : refuse(Refusal.Kind.CONFLICT, "volume " + spec.name() + " is being removed");
            }
            Optional<String> wrong = wrong(spec);
            if (wrong.isPresent()) {
                return refuse(Refusal.Kind.INVALID, "create " + spec.name() + ": " + wrong.get());
            }
            return accept(new VolumeEvent.Created(spec, now))
                    .until(e -> e instanceof VolumeEvent v
                            && v.volume().equals(spec.name())
                            && (v instanceof VolumeEvent.Ready || v instanceof VolumeEvent.Failed));
        }
    }

    /** @param keep how long its data is kept, so that it can be had back; zero for not at all */
    record Remove(VolumeName volume, boolean force, Duration keep) implements VolumeCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        public Remove(VolumeName volume, boolean force) {
            this(volume, force, Duration.ZERO);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Volume> known = host.volume(volume).filter(v -> !v.isKept());
            if (known.isEmpty()) {
                return refuse(
                        force ? Refusal.Kind.UNCHANGED : Refusal.Kind.MISSING, "get " + volume + ": no such volume");
            }
            List<Container> users = host.usersOf(volume);
            if (!users.isEmpty()) {
                return refuse(
                        Refusal.Kind.CONFLICT,
                        "remove " + volume + ": volume is in use - "
                                + users.stream().map(c -> c.id().value()).toList());
            }
            if (!known.get().wanted()) {
                return refuse(Refusal.Kind.UNCHANGED, "volume " + volume + " is being removed already");
            }
            // What is mounted there is not ours to keep, and without it there is nothing.
            boolean keeps = !keep.isZero()
                    && !known.get().spec().hasDevice()
                    && known.get().path().isPresent();
            return keeps
                    ? accept(new VolumeEvent.RemoveRequested(volume, ContainerCommand.kept(keep, now)))
                    : accept(new VolumeEvent.RemoveRequested(volume))
                            .until(e -> e instanceof VolumeEvent v
                                    && v.volume().equals(volume)
                                    && (v instanceof VolumeEvent.Removed
                                            || v instanceof VolumeEvent.Stalled
                                                    && v.trouble().isPresent()));
        }
    }

    /** Has a removed volume back with its data. */
    record Undelete(VolumeName volume) implements VolumeCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Volume> known = host.volume(volume).filter(Volume::isKept);
            if (known.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "No such removed volume: " + volume);
            }
            return known.get().path().isPresent()
                            && now.isBefore(known.get().keptUntil().get())
                    ? accept(new VolumeEvent.Undeleted(volume))
                    : refuse(Refusal.Kind.CONFLICT, "the data of volume " + volume + " is being removed for good");
        }
    }

    /** Gives up what is kept of a removed volume. */
    record Purge(VolumeName volume) implements VolumeCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return host.volume(volume).filter(Volume::isKept).isPresent()
                    ? accept(new VolumeEvent.PurgeRequested(volume, now))
                            .until(e -> e instanceof VolumeEvent.Removed r
                                    && r.volume().equals(volume))
                    : refuse(Refusal.Kind.MISSING, "No such removed volume: " + volume);
        }
    }
}
