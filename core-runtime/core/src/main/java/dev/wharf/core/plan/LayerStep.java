package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Descriptor;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.Progress;
import dev.wharf.model.Repository;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.registry.RegistryBackend.Remote;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Optional;

/** The effects on layers. All of them stall: whether a pull gives up is the pull's plan to say. */
public sealed interface LayerStep extends Step {
    Layer layer();

    @Override
    default SubjectId subject() {
        return layer().id();
    }

    @Override
    default Event failed(Failure failure, Instant now) {
        int tries = layer().stall().map(Stall::tries).orElse(0);
        return new LayerEvent.Stalled(
                layer().id(), new Stall(rung(), failure, now.plus(BackOff.after(tries)), tries + 1));
    }

    /** @param source the backend that the pull began with; the one that serves the repository now where it is empty or gone */
    record FetchLayer(Layer layer, Optional<DriverName> source) implements LayerStep {
        @Override
        public String rung() {
            return "content";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            Descriptor blob = layer.spec().descriptor();
            ContentStore content = drivers.content();
            LayerEvent.Fetched fetched = new LayerEvent.Fetched(layer.id(), blob);
            if (content.size(blob.digest()).isEmpty()) {
                if (layer.repository().isEmpty()) {
                    throw DriverException.failure(
                            Failure.Kind.MISSING, "layer " + blob.digest() + " is not in the content store");
                }
                fetched = fetch(drivers, content, blob);
            }
            drivers.progress(
                    layer.pull(),
                    new Progress(Progress.Kind.FETCHED, blob.digest(), blob.sizeBytes(), blob.sizeBytes()));
            return fetched;
        }

        private LayerEvent.Fetched fetch(Drivers drivers, ContentStore content, Descriptor blob)
                throws DriverException {
            Repository repository = Repository.parse(layer.repository());
            return drivers.registry(repository, source, backend -> {
                try (Remote remote = backend.open(repository, drivers.credentials(layer.pull()));
                        ContentStore.Ingest ingest = content.ingest(blob);
                        InputStream in = new CountedStream(remote.fetch(blob, ingest.offset()), done -> {
                                    drivers.progress(
                                            layer.pull(),
                                            new Progress(
                                                    Progress.Kind.FETCHING, blob.digest(), done, blob.sizeBytes()));
                                    if (!drivers.isWanted(layer.id())) {
                                        throw new IOException("nobody wants it any more");
                                    }
                                })
                                .from(ingest.offset())) {
                    ingest.write(in);
                    ingest.commit(blob.mediaType());
                    return new LayerEvent.Fetched(layer.id(), blob, Optional.of(backend.name()), remote.mirror(blob));
                } catch (IOException e) {
                    throw broken(blob, e);
                }
            });
        }
    }

    record UnpackLayer(Layer layer) implements LayerStep {
        @Override
        public String rung() {
            return "snapshot";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            Descriptor blob = layer.spec().descriptor();
            SnapshotKey key = SnapshotKey.of(layer.id());
            SnapshotKey parent = layer.spec().parent().map(SnapshotKey::of).orElse(SnapshotKey.SCRATCH);
            long size = drivers.storage().useLong(layer.storage(), s -> {
                try (InputStream tar = new CountedStream(
                        drivers.content().openLayer(blob, layer.spec().diffId()),
                        done -> drivers.progress(
                                layer.pull(), new Progress(Progress.Kind.UNPACKING, blob.digest(), done, 0)))) {
                    s.unpack(key, parent, tar);
                } catch (IOException e) {
                    throw broken(blob, e);
                }
                return s.usage(key).sizeBytes();
            });
            drivers.progress(
                    layer.pull(),
                    new Progress(Progress.Kind.UNPACKED, blob.digest(), blob.sizeBytes(), blob.sizeBytes()));
            return new LayerEvent.Unpacked(layer.id(), new Snapshot(key, parent, true), size);
        }
    }

    record RemoveSnapshot(Layer layer) implements LayerStep {
        @Override
        public String rung() {
            return "snapshot";
        }

        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            DriverName storage = layer.storage();
            LayerId id = layer.id();
            drivers.storage().use(storage, s -> {
                s.remove(SnapshotKey.of(id));
                return id;
            });
            return new LayerEvent.SnapshotRemoved(id);
        }
    }

    record RemoveContent(Layer layer) implements LayerStep {
        @Override
        public String rung() {
            return "content";
        }

        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.content().remove(layer.spec().descriptor().digest());
            return new LayerEvent.ContentRemoved(layer.id());
        }
    }

    /** A transfer that broke off, in words. */
    static DriverException broken(Descriptor what, IOException e) {
        return e.getCause() instanceof DriverException inner
                ? inner
                : DriverException.failure(
                        Failure.Kind.UNAVAILABLE, "reading " + what.digest() + " broke off: " + e.getMessage(), e);
    }
}
