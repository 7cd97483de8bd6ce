package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Download;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.archive.ArchivedImage;
import dev.wharf.oci.archive.Blobs;
import dev.wharf.oci.archive.ImageArchive;
import dev.wharf.oci.archive.Packed;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Images that come and go as tars: load, import and save. Bytes stream through; none are gathered. */
public final class ArchiveRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(ArchiveRoutes.class);

    @Override
    public void addTo(Router router) {
        router.upload("POST", "/images/load", ArchiveRoutes::load)
                .upload("POST", "/images/create", ArchiveRoutes::create)
                .get(
                        "/images/get",
                        (agent, request) -> save(agent, request, request.query().all("names")))
                .get("/images/{name}/get", (agent, request) -> save(agent, request, List.of(request.name())));
    }

    private static Answer create(Agent agent, Request request) {
        if (request.query().value("fromImage").isPresent()) {
            return ImageRoutes.pull(agent, request);
        }
        String source = request.query().text("fromSrc");
        if (source.isEmpty()) {
            throw Problem.invalid("one of fromImage and fromSrc is needed");
        }
        return Answer.later(request.transfer(() -> source.equals("-")
                ? importTar(agent, request, request.stream(), "-")
                : download(agent, request, source)));
    }

    /** As Docker has it, an address without a scheme is one of plain HTTP. */
    private static Answer download(Agent agent, Request request, String source) throws DriverException, IOException {
        String address = Download.isAddress(source) ? source : "http://" + source;
        URI uri;
        try {
            uri = Download.parse(address);
        } catch (BuildException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        try (InputStream tar = Download.open(uri)) {
            return importTar(agent, request, tar, address);
        } catch (BuildException e) {
            throw new Problem(500, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(500, "interrupted while importing from " + address);
        }
    }

    // ---- load

    private static Answer load(Agent agent, Request request) {
        List<Platform> wanted = ImageRoutes.platforms(request, "platform");
        return Answer.later(request.transfer(() -> {
            try (Kept kept = new Kept(agent)) {
                ImageArchive.Contents contents;
                try {
                    contents = ImageArchive.read(request.stream(), kept, wanted, Platform.host());
                } catch (IOException e) {
                    return unreadable(told(e));
                }
                ByteArrayOutputStream report = new ByteArrayOutputStream();
                for (ArchivedImage image : contents.images()) {
                    Host before = agent.host();
                    bring(
                            agent,
                            request,
                            image.names(),
                            Pull.Source.LOAD,
                            new Pull.Resolved(
                                    image.id(),
                                    image.index().orElse(image.manifest()),
                                    image.manifest(),
                                    image.config(),
                                    image.settings(),
                                    image.layers()));
                    if (image.names().isEmpty() && image.first()) {
                        say(report, "Loaded image ID: " + image.id() + "\n");
                    }
                    for (Reference name : image.names()) {
                        before.imageNamed(name.toString())
                                .filter(old -> !old.id().equals(image.id()))
                                .ifPresent(old -> say(
                                        report,
                                        "The image " + name.familiar()
                                                + " already exists, renaming the old one with ID " + old.id()
                                                + " to empty string\n"));
                        say(report, "Loaded image: " + name.familiar() + "\n");
                    }
                }
                if (contents.images().isEmpty()) {
                    return unreadable(Problem.invalid("the archive holds no image"));
                }
                return stream(200, report.toByteArray());
            }
        }));
    }

    /** Clients read records one by one where an answer comes in chunks, and take any other for a single document. */
    private static Answer stream(int status, byte[] records) {
        return new Answer.Flow(status, Answer.JSON, Map.of(), outlet -> {
            outlet.send(records);
            outlet.end();
        });
    }

    /**
     * Docker tells what is wrong with an archive in a record of the stream, and some clients look for it nowhere else; others
     * go by the status and the message.
     */
    private static Answer unreadable(Problem problem) {
        String message = String.valueOf(problem.getMessage());
        ObjectNode record = Json.object().put("message", message).put("error", message);
        record.putObject("errorDetail").put("message", message);
        return stream(problem.status(), Json.record(record));
    }

    private static void say(ByteArrayOutputStream report, String text) {
        report.writeBytes(Json.record(Json.object().put("stream", text)));
    }

    static Image store(Agent agent, Request request, List<Reference> names, Pull.Source source, Pull.Resolved what) {
        try {
            return stored(agent, request, names, source, what);
        } catch (CompletionException e) {
            throw Problems.of(e);
        }
    }

    /** The same for what a client has just sent: where that is not what it says it is, the client is to blame. */
    private static void bring(
            Agent agent, Request request, List<Reference> names, Pull.Source source, Pull.Resolved what) {
        try {
            stored(agent, request, names, source, what);
        } catch (CompletionException e) {
            throw Problems.cause(e) instanceof FailedException failed
                            && failed.failure().kind() == Failure.Kind.CORRUPT
                    ? Problem.invalid(failed.failure().message())
                    : Problems.of(e);
        }
    }

    private static Image stored(
            Agent agent, Request request, List<Reference> names, Pull.Source source, Pull.Resolved what) {
        agent.submit(
                        new ImageCommand.Store(ImageRoutes.newPull(), names, source, what, ImageRoutes.storage(agent)),
                        request.cause())
                .toCompletableFuture()
                .join();
        return agent.host().image(what.image()).orElseThrow(() -> Problem.conflict("the image was removed at once"));
    }

    /** What is wrong with an archive is the client's to know, and no fault of the store that was to take it. */
    private static Problem told(IOException e) {
        return e.getCause() instanceof DriverException driver
                ? told(driver)
                : Problem.invalid("the archive cannot be read: " + e.getMessage());
    }

    private static Problem told(DriverException e) {
        return e.getCause() instanceof DocumentException damage ? told(damage) : Problems.of(e);
    }

    // ---- import

    private static Answer importTar(Agent agent, Request request, InputStream packed, String origin)
            throws DriverException {
        Platform platform = ImageRoutes.platform(request).orElse(Platform.host());
        if (!platform.os().equals("linux")) {
            throw Problem.invalid("operating system is not supported");
        }
        // Before anything of what may be a large tar is kept.
        List<Reference> names = request.query()
                .value("repo")
                .map(repo -> List.of(ImageRoutes.newName(repo, request.query().text("tag"))))
                .orElse(List.of());
        try (ContentStore.Delivery content = agent.streams().content().deliver()) {
            Descriptor layer;
            try (ContentStore.Ingest ingest = content.receive()) {
                InputStream tar = Packed.unpack(packed);
                try {
                    ingest.write(tar);
                } finally {
                    Packed.done(tar);
                }
                layer = ingest.commit(MediaTypes.OCI_LAYER);
            } catch (IOException e) {
                throw told(e);
            } catch (DriverException e) {
                throw told(e);
            }
            Instant now = Instant.now();
            String message = request.query().value("message").orElse("Imported from " + origin);
            ImageConfig config = ImportChanges.apply(
                    ImageConfig.of(platform)
                            .made(now.toString(), "")
                            .withLayers(
                                    List.of(layer.digest()),
                                    List.of(new ImageConfig.History(now.toString(), "", "", message, false))),
                    request.query().all("changes"));
            Descriptor configBlob = content.put(MediaTypes.OCI_CONFIG, ImageConfigs.write(config));
            Descriptor manifest =
                    content.put(MediaTypes.OCI_MANIFEST, new Manifest(configBlob, List.of(layer)).write());
            LayerSpec spec = new LayerSpec(
                    LayerId.of(Optional.empty(), layer.digest()), Optional.empty(), layer, layer.digest());
            ImageId id = new ImageId(configBlob.digest());
            bring(
                    agent,
                    request,
                    names,
                    Pull.Source.IMPORT,
                    new Pull.Resolved(id, manifest, manifest, configBlob, config, List.of(spec)));
            return Answer.json(200, Json.record(Json.object().put("status", id.value())));
        }
    }

    // ---- save

    private static Answer save(Agent agent, Request request, List<String> names) {
        Host host = agent.host();
        Map<ImageId, Set<Reference>> asked = new LinkedHashMap<>();
        Map<ImageId, String> calls = new LinkedHashMap<>();
        for (String name : names.stream().flatMap(n -> tagged(host, n)).toList()) {
            ImageLookup.Found found = ImageLookup.get(host, name);
            Set<Reference> tags = asked.computeIfAbsent(found.image().id(), id -> new LinkedHashSet<>());
            found.reference().filter(r -> r.digest().isEmpty()).ifPresent(tags::add);
            calls.putIfAbsent(found.image().id(), name);
        }
        List<Chosen> images = new ArrayList<>();
        Set<ImageId> saved = new LinkedHashSet<>();
        for (Map.Entry<ImageId, String> call : calls.entrySet()) {
            ImageLookup.Found found = ImageLookup.get(host, call.getValue());
            List<Reference> tags = List.copyOf(asked.getOrDefault(call.getKey(), Set.of()));
            List<Image> chosen = chosen(host, found, ImageRoutes.platforms(request, "platform"));
            images.add(new Chosen(
                    call.getValue(), chosen.stream().map(host::asKept).toList(), tags));
            chosen.forEach(image -> saved.add(image.id()));
        }
        return Answer.later(request.work(() -> {
            Wholeness wholeness = new Wholeness(agent, request);
            for (Chosen image : images) {
                wholeness.check(image.name(), image.variants());
            }
            saved.forEach(id -> agent.submit(new ImageCommand.Note(id, "save", Map.of()), request.cause()));
            return Answer.flow("application/x-tar", outlet -> request.transfer(() -> write(outlet, images, agent)));
        }));
    }

    /** A name without a tag or digest stands for every tag that it has here, as Docker has it. */
    private static Stream<String> tagged(Host host, String name) {
        if (name.contains("@") || name.lastIndexOf(':') > name.lastIndexOf('/') || name.matches("[0-9a-f]{64}")) {
            return Stream.of(name);
        }
        List<String> all = new ArrayList<>();
        try {
            Repository repository = Reference.parse(name).repository();
            host.images().values().stream()
                    .filter(Image::wanted)
                    .flatMap(i -> i.references().stream())
                    .filter(text -> Reference.parse(text).repository().equals(repository))
                    .filter(text -> Reference.parse(text).tag().isPresent())
                    .sorted()
                    .forEach(all::add);
        } catch (IllegalArgumentException e) {
            return Stream.of(name);
        }
        return all.isEmpty() ? Stream.of(name) : all.stream();
    }

    /** An image as the client calls it, with the variants that go along, as they are kept here, and its names in the archive. */
    private record Chosen(String name, List<Image> variants, List<Reference> names) {
        ImageArchive.SavedImage in(Kept blobs) throws IOException {
            List<Descriptor> manifests = new ArrayList<>();
            for (Image variant : variants) {
                manifests.add(blobs.manifest(variant));
            }
            // One alone needs no choice, and some readers of archives know of none. Of manifests made here no index
            // knows.
            boolean offered = manifests.size() > 1
                    && manifests.equals(variants.stream().map(Image::manifest).toList());
            return new ImageArchive.SavedImage(
                    manifests.get(0),
                    names,
                    offered ? variants.get(0).index() : Optional.empty(),
                    offered ? manifests.subList(1, manifests.size()) : List.of());
        }
    }

    /** Every variant that is here of an image that was found by a name or its own id, or those that are asked for. */
    private static List<Image> chosen(Host host, ImageLookup.Found found, List<Platform> platforms) {
        if (platforms.isEmpty()) {
            return found.image().references().isEmpty() ? List.of(found.image()) : host.variants(found.image());
        }
        return platforms.stream()
                .map(p -> ImageLookup.variant(host, found.image(), p)
                        .orElseThrow(() -> Problem.missing("no suitable export target found for platform " + p)))
                .distinct()
                .toList();
    }

    /** Writes the archive, and waits for the client where it is slower. */
    private static Object write(Outlet outlet, List<Chosen> images, Agent agent) {
        OutputStream out = outlet.blocking();
        try (Kept blobs = new Kept(agent)) {
            List<ImageArchive.SavedImage> saved = new ArrayList<>();
            for (Chosen image : images) {
                saved.add(image.in(blobs));
            }
            ImageArchive.write(out, saved, blobs);
            out.close();
        } catch (IOException | DriverException | RuntimeException e) {
            if (outlet.isGone()) {
                LOG.debug("a client went away while images were saved", e);
            } else {
                LOG.warn(
                        "an archive of images broke off images={} reason={}",
                        images.stream().map(Chosen::name).toList(),
                        e.getMessage(),
                        e);
            }
            outlet.abort();
        }
        return images;
    }

    /** The content store, as archives see it. What one brought stays until this is closed. */
    private static final class Kept implements Blobs, AutoCloseable {
        private final Agent agent;
        private final ContentStore content;
        private final ContentStore.Delivery delivery;

        Kept(Agent agent) throws DriverException {
            this.agent = agent;
            this.content = agent.streams().content();
            this.delivery = content.deliver();
        }

        /** The manifest of an image as it is kept here, which is its own unless a layer is in another blob. */
        Descriptor manifest(Image image) throws IOException {
            try (InputStream in = open(image.manifest().digest())) {
                Manifest own = Manifest.parse(
                        in.readNBytes(Manifest.LIMIT_BYTES), image.manifest().mediaType());
                Manifest kept = own.packedAs(
                        image.layers().stream().map(LayerSpec::descriptor).toList());
                return kept.equals(own)
                        ? image.manifest()
                        : take(kept.mediaType(), new ByteArrayInputStream(kept.write()));
            }
        }

        @Override
        public Descriptor take(String mediaType, InputStream bytes) throws IOException {
            try (ContentStore.Ingest ingest = delivery.receive()) {
                ingest.write(bytes);
                return ingest.commit(mediaType);
            } catch (DriverException e) {
                throw new IOException(e.getMessage(), e);
            }
        }

        @Override
        public InputStream open(Digest digest) throws IOException {
            try {
                return content.open(digest);
            } catch (DriverException e) {
                throw new IOException(e.getMessage(), e);
            }
        }

        @Override
        public Optional<Descriptor> layer(LayerId layer) {
            return agent.host()
                    .layer(layer)
                    .filter(known -> known.content().isPresent())
                    .map(known -> known.spec().descriptor());
        }

        @Override
        public void close() {
            delivery.close();
        }
    }
}
