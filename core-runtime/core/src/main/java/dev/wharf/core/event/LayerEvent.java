package dev.wharf.core.event;

import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Descriptor;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.PullId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.storage.Snapshot;
import java.util.List;
import java.util.Optional;

/** What happens to layers. */
public sealed interface LayerEvent extends Event {
    LayerId layer();

    @Override
    default SubjectId subject() {
        return layer();
    }

    /** A pull needs the layer; the repository is where its blob can be fetched. */
    @EventType("layer.wanted")
    record Wanted(LayerSpec spec, PullId pull, String repository, DriverName storage) implements LayerEvent {
        @Override
        public LayerId layer() {
            return spec.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(host.layer(spec.id())
                    .map(known -> known.wantedBy(pull, repository, spec.descriptor()))
                    .orElseGet(() -> new Layer(
                            spec, pull, repository, storage, Fact.absent(), Fact.absent(), 0, Optional.empty())));
        }
    }

    /**
     * Its blob is in the content store.
     *
     * @param backend the registry backend that served it; empty where it was there already
     * @param mirror the host of the mirror that the backend had it from; empty where it was the repository's own place
     */
    @EventType("layer.fetched")
    record Fetched(LayerId layer, Descriptor descriptor, Optional<DriverName> backend, Optional<String> mirror)
            implements LayerEvent {
        /** One that was there already. */
        public Fetched(LayerId layer, Descriptor descriptor) {
            this(layer, descriptor, Optional.empty(), Optional.empty());
        }

        @Override
        public Host apply(Host host) {
            return host.change(layer, l -> l.content(Fact.present(descriptor))).renewed(List.of(descriptor.digest()));
        }
    }

    @EventType("layer.unpacked")
    record Unpacked(LayerId layer, Snapshot snapshot, long sizeBytes) implements LayerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(layer, l -> l.snapshot(Fact.present(snapshot), sizeBytes));
        }
    }

    @EventType("layer.snapshot-removed")
    record SnapshotRemoved(LayerId layer) implements LayerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(layer, l -> l.snapshot(Fact.absent(), 0));
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return host.layer(layer)
                    .flatMap(l -> l.spec().parent())
                    .map(p -> List.<SubjectId>of(p))
                    .orElse(List.of());
        }
    }

    @EventType("layer.content-removed")
    record ContentRemoved(LayerId layer) implements LayerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(layer, l -> l.content(Fact.absent()));
        }
    }

    @EventType("layer.removed")
    record Removed(LayerId layer) implements LayerEvent {
        @Override
        public Host apply(Host host) {
            return host.without(layer);
        }

        @Override
        public List<SubjectId> touches(Host host) {
            return host.layer(layer)
                    .flatMap(l -> l.spec().parent())
                    .map(p -> List.<SubjectId>of(p))
                    .orElse(List.of());
        }
    }

    /** Fetching, unpacking or removing did not work; the stall's rung says which. */
    @EventType("layer.stalled")
    record Stalled(LayerId layer, Stall stall) implements LayerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(
                    layer,
                    l -> (stall.rung().equals("content")
                                    ? l.content(l.content().doubtful())
                                    : l.snapshot(l.snapshot().doubtful(), l.sizeBytes()))
                            .stalled(stall));
        }
    }

    /** A survey found the blob or the snapshot there, or not. */
    @EventType("layer.observed")
    record Observed(LayerId layer, String rung, boolean there) implements LayerEvent {
        @Override
        public Host apply(Host host) {
            return host.change(
                    layer,
                    l -> rung.equals("content")
                            ? l.content(there ? l.content().doubtful() : Fact.absent())
                            : l.snapshot(there ? l.snapshot().doubtful() : Fact.absent(), l.sizeBytes()));
        }
    }

    @EventType("layer.recorded")
    record Recorded(Layer state) implements LayerEvent {
        @Override
        public LayerId layer() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }
}
