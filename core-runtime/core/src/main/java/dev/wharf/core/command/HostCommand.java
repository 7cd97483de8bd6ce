package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Job;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.network.Peer;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Wishes about the host as a whole. */
public sealed interface HostCommand extends Command {
    /** Writes down that somebody had what was not in use removed, and how much room that made. */
    record NotePrune(String kind, long reclaimedBytes) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new HostEvent.Pruned(kind, reclaimedBytes));
        }
    }

    /** Says what the host is called and by what others know it. */
    record Introduce(String name, Map<String, String> labels, Optional<Peer> overlay) implements HostCommand {
        public Introduce {
            labels = Map.copyOf(labels);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Host.Identity who = host.identity();
            return who.equals(who.introducedAs(name, labels, overlay))
                    ? refuse(Refusal.Kind.UNCHANGED, "the host is known so already")
                    : accept(new HostEvent.Introduced(name, labels, overlay));
        }
    }

    /** Writes down which hosts share networks with this one. */
    record NotePeers(List<Peer> peers) implements HostCommand {
        public NotePeers {
            peers = List.copyOf(peers);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return host.peers().equals(peers)
                    ? refuse(Refusal.Kind.UNCHANGED, "they are known already")
                    : accept(new HostEvent.PeersLearned(peers));
        }
    }

    /** Removes exactly what was shown, all of it in one go; with anything different now, nothing. */
    record Prune(Pruning what, List<Pruning.Item> shown) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        public Prune {
            shown = List.copyOf(shown);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            List<Pruning.Item> items = what.items(host);
            if (!items.equals(shown)) {
                return refuse(
                        Refusal.Kind.CONFLICT,
                        "the host has changed since the plan was made: "
                                + String.join("; ", Pruning.differences(shown, items)));
            }
            return items.isEmpty()
                    ? refuse(Refusal.Kind.UNCHANGED, "there is nothing to remove")
                    : accept(Pruning.removals(host, items, now));
        }
    }

    /** Writes down that a job of the scheduler began; refused while a run of it is under way. */
    record StartJob(String job, String run, boolean dryRun) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return Optional.ofNullable(host.jobs().get(job))
                    .flatMap(Job::begun)
                    .map(b -> refuse(Refusal.Kind.CONFLICT, "job " + job + " runs already, since " + b.at()))
                    .map(Decision.class::cast)
                    .orElseGet(() -> accept(new HostEvent.JobStarted(job, run, dryRun, now)));
        }
    }

    /** Writes down how a run ended that is under way. */
    record EndJob(String job, String run, Job.Result result, String summary, int items, long freedBytes)
            implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return Optional.ofNullable(host.jobs().get(job))
                    .flatMap(Job::begun)
                    .filter(b -> b.run().equals(run))
                    .map(b -> (Decision) accept(new HostEvent.JobEnded(
                            job,
                            new Job.Run(
                                    run,
                                    b.at(),
                                    Duration.between(b.at(), now),
                                    b.dryRun(),
                                    result,
                                    summary,
                                    items,
                                    freedBytes))))
                    .orElseGet(() -> refuse(Refusal.Kind.UNCHANGED, "run " + run + " of job " + job + " is over"));
        }
    }

    /**
     * Removes images and steps of builds that are of no use by a policy, as the host is now: what came into use since somebody
     * looked stays. A dry run is the same without the removals.
     */
    record Collect(String run, GcPolicy what, boolean dryRun) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<String> build = GcPolicy.buildUnderWay(host);
            if (build.isPresent()) {
                return refuse(
                        Refusal.Kind.CONFLICT,
                        "build " + build.get() + " is under way, and may need any image and any step");
            }
            GcPolicy.Found found = what.of(host, now);
            return found.items().isEmpty()
                    ? refuse(Refusal.Kind.UNCHANGED, "everything is of use")
                    : accept(found.events(host, run, dryRun));
        }
    }

    /** Tells that a blob was read again and is not what its digest says. */
    record ReportDamage(Digest blob, String what) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Damage known = host.damages().get(blob);
            if (known != null && !known.aside()) {
                return refuse(Refusal.Kind.UNCHANGED, "blob " + blob + " is known to be damaged");
            }
            List<ImageId> images = host.images().values().stream()
                    .filter(i -> Stream.concat(
                                    i.documents().stream(), i.layers().stream().map(LayerSpec::descriptor))
                            .anyMatch(d -> d.digest().equals(blob)))
                    .map(Image::id)
                    .sorted(Comparator.comparing(ImageId::value))
                    .toList();
            boolean isLayer = host.layers().values().stream()
                    .anyMatch(l -> l.spec().descriptor().digest().equals(blob));
            return images.isEmpty() && !isLayer
                    ? refuse(Refusal.Kind.MISSING, "nothing stands on blob " + blob)
                    : accept(new HostEvent.BlobDamaged(blob, what, images, now));
        }
    }

    /** Another wish, granted only while a subject is as it was: compare and set, for whoever decided by an older look at it. */
    record Unchanged(SubjectId subject, Host asOf, Command then) implements HostCommand {
        @Override
        public boolean letsGo() {
            return then.letsGo();
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return state(asOf).equals(state(host))
                    ? then.decide(host, now)
                    : refuse(Refusal.Kind.CONFLICT, subject.text() + " has changed since");
        }

        private Optional<?> state(Host host) {
            if (subject instanceof ContainerId container) {
                return host.container(container);
            } else if (subject instanceof ImageId image) {
                return host.image(image);
            } else if (subject instanceof NetworkId network) {
                return host.network(network);
            } else if (subject instanceof VolumeName volume) {
                return host.volume(volume);
            } else if (subject instanceof DriverId driver) {
                return host.driver(driver);
            }
            return Optional.of(host.identity());
        }
    }
}
