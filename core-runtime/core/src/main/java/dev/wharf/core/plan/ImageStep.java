package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Progress;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.SubjectId;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.RegistryBackend.Remote;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The effects on images and pulls. */
public sealed interface ImageStep extends Step {
    /** Asks the repository what a reference stands for and brings manifest and config here. */
    record ResolvePull(Pull pull) implements ImageStep {
        /** An index inside an index inside an index is a joke or an attack. */
        private static final int MAX_DEPTH = 4;

        @Override
        public SubjectId subject() {
            return pull.id();
        }

        @Override
        public String rung() {
            return "resolved";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            Reference reference = Reference.parse(pull.references().get(0));
            return drivers.registry(reference.repository(), backend -> {
                try (Remote remote = backend.open(reference.repository(), drivers.credentials(pull.id()))) {
                    return resolve(drivers.content(), remote, reference, backend.name());
                } catch (DocumentException e) {
                    throw DriverException.failure(
                            Failure.Kind.CORRUPT, "cannot use " + reference.familiar() + ": " + e.getMessage(), e);
                }
            });
        }

        private Event resolve(ContentStore content, Remote remote, Reference reference, DriverName backend)
                throws DriverException, DocumentException {
            Descriptor target = remote.resolve(reference);
            Map<Digest, String> mirrors = new LinkedHashMap<>();
            note(remote, target, mirrors);
            Descriptor at = target;
            Platform wanted = pull.platform().orElse(Platform.host());
            byte[] document = fetch(content, remote, at, Manifest.LIMIT_BYTES, mirrors);
            for (int depth = 0; MediaTypes.isIndex(at.mediaType()); depth++) {
                if (depth == MAX_DEPTH) {
                    throw new DocumentException("indexes are nested more than " + MAX_DEPTH + " deep");
                }
                at = Index.parse(document, at.mediaType())
                        .choose(wanted)
                        .orElseThrow(() -> DriverException.failure(
                                Failure.Kind.MISSING,
                                "no matching manifest for " + wanted + " in the manifest list entries"));
                document = fetch(content, remote, at, Manifest.LIMIT_BYTES, mirrors);
            }
            Manifest manifest = Manifest.parse(document, at.mediaType());
            ImageConfig config =
                    ImageConfigs.parse(fetch(content, remote, manifest.config(), ImageConfigs.LIMIT_BYTES, mirrors));
            List<LayerSpec> layers = manifest.layersOf(config);
            return new ImageEvent.Resolved(
                    pull.id(),
                    new Pull.Resolved(
                            new ImageId(manifest.config().digest()),
                            target,
                            at,
                            manifest.config(),
                            config,
                            layers,
                            Optional.of(backend),
                            mirrors));
        }

        private static void note(Remote remote, Descriptor served, Map<Digest, String> mirrors) {
            remote.mirror(served)
                    .ifPresentOrElse(m -> mirrors.put(served.digest(), m), () -> mirrors.remove(served.digest()));
        }

        private static byte[] fetch(
                ContentStore content, Remote remote, Descriptor what, int limit, Map<Digest, String> mirrors)
                throws DriverException {
            if (what.sizeBytes() > limit) {
                throw DriverException.failure(
                        Failure.Kind.CORRUPT,
                        "document " + what.digest() + " is larger than the limit of " + limit + " bytes");
            }
            // What an image consists of is believed from here on, so a document that rotted must not be the one that
            // says it.
            content.setAside(what.digest());
            if (content.size(what.digest()).isEmpty()) {
                try (ContentStore.Ingest ingest = content.ingest(what);
                        InputStream in = remote.fetch(what, ingest.offset())) {
                    ingest.write(in);
                    ingest.commit(what.mediaType());
                } catch (IOException e) {
                    throw LayerStep.broken(what, e);
                }
                note(remote, what, mirrors);
            }
            try (InputStream in = content.open(what.digest())) {
                return in.readNBytes(limit);
            } catch (IOException e) {
                throw LayerStep.broken(what, e);
            }
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new ImageEvent.Failed(pull.id(), failure);
        }
    }

    /** Removes an image's documents, but not those that another image has too. */
    record RemoveDocuments(ImageId image, List<Digest> documents, int tries) implements ImageStep {
        @Override
        public SubjectId subject() {
            return image;
        }

        @Override
        public String rung() {
            return "documents";
        }

        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            for (Digest document : documents) {
                drivers.content().remove(document);
            }
            return new ImageEvent.Removed(image);
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new ImageEvent.RemoveStalled(
                    image, new Stall(rung(), failure, now.plus(BackOff.after(tries)), tries + 1));
        }
    }

    /**
     * Uploads layers, config and manifest, and then makes the reference stand for them. Where the variants are all that their
     * index names, each is uploaded, and the reference stands for the index. An image some of whose layers are here in other
     * blobs than its manifest names goes with a manifest that names these.
     *
     * @param images the image, and then its other variants, as they are kept here
     * @param beside other repositories of the same registry that have blobs, by the blobs
     */
    record PushImage(PullId push, List<Image> images, Reference reference, Map<Digest, String> beside)
            implements ImageStep {
        public PushImage {
            images = List.copyOf(images);
            beside = Map.copyOf(beside);
        }

        private Image image() {
            return images.get(0);
        }

        @Override
        public SubjectId subject() {
            return image().id();
        }

        @Override
        public String rung() {
            return "push:" + push.value();
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            ContentStore content = drivers.content();
            return drivers.registry(reference.repository(), backend -> {
                List<Outgoing> all = new ArrayList<>();
                for (Image each : images) {
                    all.add(outgoing(each, content));
                }
                Optional<Descriptor> index = wholeIndex(
                        content,
                        all.stream().map(each -> each.descriptor().digest()).collect(Collectors.toSet()));
                Descriptor target = index.orElse(all.get(0).descriptor());
                try (Remote remote = backend.open(reference.repository(), drivers.credentials(push))) {
                    for (Outgoing each : index.isPresent() ? all : all.subList(0, 1)) {
                        drivers.sideBySide(blobs(drivers, content, each.image())
                                .<Drivers.Part>map(blob -> () -> send(drivers, remote, blob))
                                .toList());
                        send(drivers, remote, each);
                    }
                    if (index.isPresent()) {
                        send(drivers, remote, blob(drivers, content, index.get()));
                    }
                    checkWanted(drivers, push);
                    remote.tag(reference, target);
                }
                return new ImageEvent.Pushed(
                        image().id(),
                        reference.toString(),
                        target.digest(),
                        target.sizeBytes(),
                        Optional.of(backend.name()));
            });
        }

        /** Its layers, each of them once, and its config. */
        private Stream<Content> blobs(Drivers drivers, ContentStore content, Image image) {
            return Stream.concat(image.layers().stream().map(LayerSpec::descriptor), Stream.of(image.configBlob()))
                    .distinct()
                    .map(blob -> blob(drivers, content, blob));
        }

        private Blob blob(Drivers drivers, ContentStore content, Descriptor descriptor) {
            return new Blob(drivers, push, content, descriptor, beside.getOrDefault(descriptor.digest(), ""));
        }

        private void send(Drivers drivers, Remote remote, Content content) throws DriverException {
            checkWanted(drivers, push);
            remote.push(content);
            tell(
                    drivers,
                    push,
                    Progress.Kind.SENT,
                    content.descriptor(),
                    content.descriptor().sizeBytes());
        }

        private static Outgoing outgoing(Image image, ContentStore content) throws DriverException {
            try (InputStream in = content.open(image.manifest().digest())) {
                byte[] stored = in.readNBytes(Manifest.LIMIT_BYTES);
                Manifest manifest = Manifest.parse(stored, image.manifest().mediaType());
                Manifest kept = manifest.packedAs(
                        image.layers().stream().map(LayerSpec::descriptor).toList());
                if (kept.equals(manifest)) {
                    return new Outgoing(image, image.manifest(), () -> new ByteArrayInputStream(stored));
                }
                byte[] made = kept.write();
                return new Outgoing(
                        image,
                        new Descriptor(kept.mediaType(), Digest.sha256(made), made.length),
                        () -> new ByteArrayInputStream(made));
            } catch (IOException e) {
                throw LayerStep.broken(image.manifest(), e);
            }
        }

        /** The index, where several variants are here and they are all that it names. A registry takes no other. */
        private Optional<Descriptor> wholeIndex(ContentStore content, Set<Digest> here) throws DriverException {
            if (images.size() < 2 || image().index().isEmpty()) {
                return Optional.empty();
            }
            Descriptor index = image().index().get();
            try (InputStream in = content.open(index.digest())) {
                return Index.parse(in.readNBytes(Manifest.LIMIT_BYTES), index.mediaType()).manifests().stream()
                                .allMatch(manifest -> here.contains(manifest.digest()))
                        ? Optional.of(index)
                        : Optional.empty();
            } catch (IOException e) {
                throw LayerStep.broken(index, e);
            }
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new ImageEvent.Noted(
                    image().id(),
                    "push-failed",
                    Map.of("reference", reference.toString(), "reason", failure.message()));
        }
    }

    private static void checkWanted(Drivers drivers, PullId push) throws DriverException {
        if (!drivers.isWanted(push)) {
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "the push was cancelled");
        }
    }

    /** An image on its way out, and its manifest for the way. */
    record Outgoing(Image image, Descriptor descriptor, Supplier<InputStream> bytes) implements Content {
        @Override
        public InputStream open() {
            return bytes.get();
        }
    }

    private static void tell(Drivers drivers, PullId push, Progress.Kind kind, Descriptor blob, long done) {
        drivers.progress(push, new Progress(kind, blob.digest(), done, blob.sizeBytes()));
    }

    /** A blob of the content store on its way out. */
    record Blob(Drivers drivers, PullId push, ContentStore content, Descriptor descriptor, String knownIn)
            implements Content {
        @Override
        public void mounted() {
            ImageStep.tell(drivers, push, Progress.Kind.MOUNTED, descriptor, 0);
        }

        @Override
        public InputStream open() throws IOException {
            try {
                checkWanted(drivers, push);
                return new CountedStream(content.open(descriptor.digest()), this::tell);
            } catch (DriverException e) {
                throw new IOException(e.getMessage(), e);
            }
        }

        private void tell(long done) throws IOException {
            ImageStep.tell(drivers, push, Progress.Kind.SENDING, descriptor, done);
            if (!drivers.isWanted(push)) {
                throw new IOException("the push was cancelled");
            }
        }
    }

    /** The references an image gets when its pull is done: what was asked for, and what the repository said it was. */
    static List<String> referencesOf(Pull pull, Pull.Resolved resolved) {
        Optional<Reference> first = pull.references().stream().findFirst().map(Reference::parse);
        if (pull.source() != Pull.Source.REGISTRY || first.isEmpty()) {
            return pull.references();
        }
        String digest = Reference.of(first.get().repository(), resolved.target().digest())
                .toString();
        return pull.references().contains(digest)
                ? pull.references()
                : java.util.stream.Stream.concat(pull.references().stream(), java.util.stream.Stream.of(digest))
                        .toList();
    }
}
