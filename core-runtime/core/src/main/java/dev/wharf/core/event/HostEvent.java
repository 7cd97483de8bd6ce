package dev.wharf.core.event;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Job;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.network.Peer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What happens to the host as a whole. */
public sealed interface HostEvent extends Event {
    SubjectId SELF = new SubjectId.HostItself();

    @Override
    default SubjectId subject() {
        return SELF;
    }

    /** The first event of every journal: who this host is, and which Wharf wrote it first. */
    @EventType("host.opened")
    record Opened(String id, int format, String version, Instant at) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.with(host.identity().openedAs(id, at));
        }
    }

    /** The kernel started since the last time: everything that lived in it is gone. */
    @EventType("host.booted")
    record Booted(String bootId, Instant at) implements HostEvent {
        @Override
        public Host apply(Host host) {
            Host.Identity who = host.identity();
            Host after = host.with(who.booted(bootId));
            if (who.bootId().isEmpty()) {
                return after;
            }
            for (Container container : host.containers().values()) {
                after = after.with(container.afterBoot(at));
            }
            for (Network network : host.networks().values()) {
                // In doubt rather than absent: the first try after a boot may fail, and is no reason to give the
                // network up.
                after = after.with(
                        network.device(network.wanted() ? network.device().doubtful() : Fact.absent()));
            }
            for (Volume volume : host.volumes().values()) {
                if (volume.mount().isPresent()) {
                    after = after.with(volume.mount(Optional.empty()));
                }
            }
            return after;
        }
    }

    /** Whether a batch that begins with this event is a checkpoint or a part of one, which says again what was said. */
    static boolean marksCheckpoint(Event first) {
        return first instanceof CheckpointStarted || first instanceof CheckpointContinued;
    }

    /** From here to the completion every subject is written down whole. */
    @EventType("host.checkpoint-started")
    record CheckpointStarted() implements HostEvent {
        /** A checkpoint is a shorter journal, so whoever begins reading here begins with nothing. */
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** A checkpoint that is too large for one batch goes on in this one; nothing else lies between them. */
    @EventType("host.checkpoint-continued")
    record CheckpointContinued() implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** Without it, as where the disk was full in the middle, there was no checkpoint. */
    @EventType("host.checkpoint-completed")
    record CheckpointCompleted(int subjects) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** Who the host is, written down by a checkpoint. */
    @EventType("host.recorded")
    record Recorded(Host.Identity identity) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.with(identity);
        }
    }

    /** What the operator calls the host, and by which labels and as which peer other hosts know it. */
    @EventType("host.introduced")
    record Introduced(String name, Map<String, String> labels, Optional<Peer> overlay) implements HostEvent {
        public Introduced {
            labels = java.util.Collections.unmodifiableMap(new java.util.TreeMap<>(labels));
        }

        @Override
        public Host apply(Host host) {
            return host.with(host.identity().introducedAs(name, labels, overlay));
        }
    }

    /** The addresses that containers call the host by who ask for its gateway, where the operator names any. */
    @EventType("host.addressed")
    record Addressed(List<String> gateways) implements HostEvent {
        public Addressed {
            gateways = List.copyOf(gateways);
        }

        @Override
        public Host apply(Host host) {
            return host.with(host.identity().addressedAs(gateways));
        }
    }

    /** The hosts that share networks with this one. */
    @EventType("host.peers-learned")
    record PeersLearned(List<Peer> peers) implements HostEvent {
        public PeersLearned {
            peers = List.copyOf(peers);
        }

        @Override
        public Host apply(Host host) {
            return host.withPeers(peers);
        }
    }

    /**
     * Somebody had everything of a kind removed that was not in use; what went is told of each by itself.
     *
     * @param kind {@code container}, {@code image}, {@code network}, {@code volume} or {@code builder}
     */
    @EventType("host.pruned")
    record Pruned(String kind, long reclaimedBytes) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** Something under our keys that no subject owns was found and removed. */
    @EventType("host.swept")
    record Swept(String kind, String key) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /**
     * The journal became too large to be kept for a follower, such as a publisher whose broker is away: what lies from
     * {@code first} to {@code last} is gone before it was carried on.
     */
    @EventType("host.history-dropped")
    record HistoryDropped(String follower, long first, long last, long sizeBytes) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** The journal was not closed cleanly: what was not whole at its end was cut. */
    @EventType("host.journal-recovered")
    record JournalRecovered(long last, long droppedBytes, String reason) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** A job of the scheduler began. */
    @EventType("host.job-started")
    record JobStarted(String job, String run, boolean dryRun, Instant at) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.with(known(host, job).begun(new Job.Begun(run, at, dryRun)));
        }
    }

    /** A job of the scheduler is over; what it removed and why is told by {@link Collected} and the events beside it. */
    @EventType("host.job-ended")
    record JobEnded(String job, Job.Run run) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.with(known(host, job).ended(run));
        }
    }

    @EventType("host.job-recorded")
    record JobRecorded(Job state) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    /**
     * Images and steps of builds that a policy found to be of no use any more, with the reasons. What goes is told in the same
     * batch; of a dry run nothing is.
     */
    @EventType("host.collected")
    record Collected(String run, boolean dryRun, List<Item> items) implements HostEvent {
        public Collected {
            items = List.copyOf(items);
        }

        @Override
        public Host apply(Host host) {
            return host;
        }

        /**
         * @param kind {@code image} or {@code build step}
         * @param sizeBytes what nothing else stands on
         */
        public record Item(String kind, String id, String name, long sizeBytes, Instant usedAt, String reason) {}
    }

    /** A blob was read again and is not what its digest says. */
    @EventType("host.blob-damaged")
    record BlobDamaged(Digest blob, String what, List<ImageId> images, Instant at) implements HostEvent {
        public BlobDamaged {
            images = List.copyOf(images);
        }

        @Override
        public Host apply(Host host) {
            return host.with(new Damage(blob, what, at, false, Optional.empty()));
        }
    }

    /** A damaged blob was moved out of the way: whoever pulls or loads an image with it brings it anew. */
    @EventType("host.blob-set-aside")
    record BlobSetAside(Digest blob, String what, Instant at) implements HostEvent {
        @Override
        public Host apply(Host host) {
            Host after = host.with(new Damage(blob, what, at, true, Optional.empty()));
            for (Layer layer : layers(host)) {
                after = after.with(layer.content(Fact.absent()));
            }
            return after;
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return layers(host).stream().map(l -> (SubjectId) l.id()).toList();
        }

        private List<Layer> layers(Host host) {
            return host.layers().values().stream()
                    .filter(l -> l.spec().descriptor().digest().equals(blob))
                    .toList();
        }
    }

    /** A damaged blob could not be moved out of the way; it will be tried again. */
    @EventType("host.blob-stalled")
    record BlobStalled(Digest blob, Stall stall) implements HostEvent {
        @Override
        public Host apply(Host host) {
            Damage damage = host.damages().get(blob);
            return damage == null ? host : host.with(damage.stalled(stall));
        }
    }

    /** A blob counts as damaged no more: it is whole after all, or nothing stands on it. */
    @EventType("host.blob-cleared")
    record BlobCleared(Digest blob, String why) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.cleared(blob);
        }
    }

    @EventType("host.blob-recorded")
    record BlobRecorded(Damage state) implements HostEvent {
        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    private static Job known(Host host, String name) {
        Job job = host.jobs().get(name);
        return job == null ? Job.named(name) : job;
    }
}
