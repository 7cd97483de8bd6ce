package dev.wharf.testkit.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The promises of {@link RegistryBackend} to those who read, one test per sentence. Backends that may be written to take {@link
 * RegistryBackendContract}, the others {@link ReadOnlyRegistryContract}.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class RegistryReadingContract {
    private static final int LAYER_BYTES = 3_000_017;

    protected RegistryBackend backend;
    protected Repository repository;
    protected RegistryBackend.Remote remote;

    /** A backend that can work here. */
    protected abstract RegistryBackend backend() throws Exception;

    /** A repository that the backend answers for, empty. */
    protected abstract Repository emptyRepository() throws Exception;

    /** A repository that the backend does not answer for, or empty where it answers for all. */
    protected abstract Optional<Repository> foreignRepository();

    /** Puts content into the repository. */
    protected abstract void publish(Content content) throws Exception;

    /** Makes a reference stand for a manifest that was published. */
    protected abstract void publish(Reference reference, Descriptor manifest) throws Exception;

    /** Who we are to the repository. */
    protected Credentials credentials() {
        return Credentials.ANONYMOUS;
    }

    @BeforeEach
    final void openRemote() throws Exception {
        backend = backend();
        repository = emptyRepository();
        remote = backend.open(repository, credentials());
    }

    @AfterEach
    final void closeRemote() {
        if (remote != null) {
            remote.close();
        }
    }

    @Test
    void aBackendSaysWhatItIsAndThatItCanWork() {
        assertThat(backend.name().value()).isNotBlank();
        assertThat(backend.formats()).isNotEmpty();
        assertThat(backend.probe().ready()).as(backend.probe().why()).isTrue();
    }

    @Test
    void aBackendAnswersForItsRepositoriesOnly() throws Exception {
        publish(tag("v"), push(image("x")));

        assertThat(backend.serves(repository)).isTrue();
        foreignRepository()
                .ifPresent(foreign -> assertThat(backend.serves(foreign)).isFalse());
    }

    @Test
    void aTagThatIsNotThereIsMissing() throws Exception {
        publish(tag("there"), push(image("x")));

        assertMissing(
                () -> remote.resolve(tag("elsewhere")),
                "manifest for " + tag("elsewhere").familiar());
    }

    @Test
    void aDigestThatIsNotThereIsMissing() {
        Reference reference = Reference.of(repository, Digest.sha256("nothing"));

        assertMissing(() -> remote.resolve(reference), "manifest for " + reference.familiar());
    }

    @Test
    void contentThatIsNotThereIsMissing() {
        for (String mediaType : List.of(MediaTypes.OCI_MANIFEST, MediaTypes.OCI_LAYER)) {
            assertMissing(() -> remote.fetch(new Descriptor(mediaType, Digest.sha256("nothing"), 7), 0), "");
        }
    }

    @Test
    void aTagStandsForWhatWasPushed() throws Exception {
        Descriptor manifest = push(image("x"));
        publish(tag("v1"), manifest);

        assertSame(remote.resolve(tag("v1")), manifest);
        assertSame(remote.resolve(Reference.of(repository, manifest.digest())), manifest);
    }

    @Test
    void aTagAndADigestTogetherMeanTheDigest() throws Exception {
        Descriptor first = push(image("1"));
        publish(tag("v"), first);
        publish(tag("v"), push(image("2")));

        Reference both = new Reference(repository, Optional.of("v"), Optional.of(first.digest()));
        assertSame(remote.resolve(both), first);
    }

    @Test
    void aTagMovesToWhatItIsGivenLast() throws Exception {
        Descriptor first = push(image("1"));
        Descriptor second = push(image("2"));
        publish(tag("v"), first);
        publish(tag("v"), second);
        assertSame(remote.resolve(tag("v")), second);

        publish(tag("v"), first);
        assertSame(remote.resolve(tag("v")), first);
    }

    @Test
    void manifestConfigAndLayersComeBackByteForByte() throws Exception {
        Image image = image("x");
        publish(tag("v"), push(image));

        for (Bytes content : image.all()) {
            assertThat(fetch(content.descriptor(), 0)).isEqualTo(content.bytes());
        }
    }

    @Test
    void aTransferGoesOnWhereItIsToldTo() throws Exception {
        Image image = image("x");
        publish(tag("v"), push(image));

        for (Bytes content : image.all()) {
            int size = content.bytes().length;
            for (int offset : new int[] {1, size / 2, size - 1, size}) {
                assertThat(fetch(content.descriptor(), offset))
                        .isEqualTo(Arrays.copyOfRange(content.bytes(), offset, size));
            }
        }
    }

    @Test
    void anIndexComesBackWithItsManifests() throws Exception {
        Descriptor amd64 = push(image("amd64"));
        Descriptor arm64 = push(image("arm64"));
        Bytes index = new Bytes(
                MediaTypes.OCI_INDEX, new Index(List.of(on(amd64, "linux/amd64"), on(arm64, "linux/arm64"))).write());
        publish(index);
        publish(tag("multi"), index.descriptor());

        Descriptor resolved = remote.resolve(tag("multi"));
        assertSame(resolved, index.descriptor());
        Descriptor chosen = Index.parse(fetch(resolved, 0), resolved.mediaType())
                .choose(Platform.parse("linux/arm64"))
                .orElseThrow();
        assertSame(remote.resolve(Reference.of(repository, chosen.digest())), arm64);
    }

    @Test
    void aDockerManifestKeepsItsMediaType() throws Exception {
        Image image = image("x", MediaTypes.DOCKER_MANIFEST, MediaTypes.DOCKER_CONFIG, MediaTypes.DOCKER_LAYER_GZIP);
        publish(tag("docker"), push(image));

        assertThat(remote.resolve(tag("docker")).mediaType()).isEqualTo(MediaTypes.DOCKER_MANIFEST);
        assertThat(fetch(image.manifest().descriptor(), 0))
                .isEqualTo(image.manifest().bytes());
    }

    @Test
    void tagsAreListedUnlessThatIsRefused() throws Exception {
        publish(tag("one"), push(image("1")));
        publish(tag("two"), push(image("2")));

        try {
            assertThat(remote.tags()).containsExactlyInAnyOrder("one", "two");
        } catch (DriverException e) {
            assertThat(e.failure().kind()).isEqualTo(Failure.Kind.UNSUPPORTED);
        }
    }

    @Test
    void severalThreadsUseOneRemoteAtOnce() throws Exception {
        List<Image> images = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            images.add(image("thread " + i));
        }
        ExecutorService pool = Executors.newFixedThreadPool(images.size());
        try {
            List<Callable<Void>> work = new ArrayList<>();
            for (Image image : images) {
                work.add(() -> {
                    publish(tag("t" + images.indexOf(image)), push(image));
                    for (Bytes content : image.all()) {
                        assertThat(fetch(content.descriptor(), 0)).isEqualTo(content.bytes());
                    }
                    return null;
                });
            }
            for (Future<Void> done : pool.invokeAll(work)) {
                done.get();
            }
        } finally {
            pool.shutdownNow();
        }
        for (int i = 0; i < images.size(); i++) {
            assertSame(remote.resolve(tag("t" + i)), images.get(i).manifest().descriptor());
        }
    }

    // --- what the suite is made of

    /** Bytes in memory with their descriptor, and how often they were asked for. */
    protected static final class Bytes implements Content {
        private final Descriptor descriptor;
        private final byte[] bytes;
        private final AtomicInteger opened = new AtomicInteger();

        public Bytes(String mediaType, byte[] bytes) {
            this(new Descriptor(mediaType, Digest.sha256(bytes), bytes.length), bytes);
        }

        public Bytes(Descriptor descriptor, byte[] bytes) {
            this.descriptor = descriptor;
            this.bytes = bytes;
        }

        public byte[] bytes() {
            return bytes;
        }

        /** How often somebody began to read. */
        public int opened() {
            return opened.get();
        }

        @Override
        public Descriptor descriptor() {
            return descriptor;
        }

        @Override
        public InputStream open() {
            opened.incrementAndGet();
            return new ByteArrayInputStream(bytes);
        }
    }

    /** An image of one layer, in parts. */
    protected record Image(Bytes manifest, Bytes config, Bytes layer) {
        public List<Bytes> all() {
            return List.of(manifest, config, layer);
        }
    }

    /** An image whose parts differ from those of any other {@code seed}. */
    protected static Image image(String seed) {
        return image(seed, MediaTypes.OCI_MANIFEST, MediaTypes.OCI_CONFIG, MediaTypes.OCI_LAYER);
    }

    protected static Image image(String seed, String manifestType, String configType, String layerType) {
        byte[] noise = new byte[LAYER_BYTES];
        new Random(seed.hashCode()).nextBytes(noise);
        Bytes layer = new Bytes(layerType, noise);
        Bytes config = new Bytes(
                configType,
                ImageConfigs.write(new ImageMaker().label("seed", seed).config()));
        Manifest manifest =
                new Manifest(manifestType, config.descriptor(), List.of(layer.descriptor()), Map.of("seed", seed));
        return new Image(new Bytes(manifestType, manifest.write()), config, layer);
    }

    /** Pushes the parts in the order in which they name each other; answers with the manifest. */
    protected final Descriptor push(Image image) throws Exception {
        publish(image.layer());
        publish(image.config());
        publish(image.manifest());
        return image.manifest().descriptor();
    }

    protected final byte[] fetch(Descriptor content, long offset) throws DriverException, IOException {
        try (InputStream in = remote.fetch(content, offset)) {
            return in.readAllBytes();
        }
    }

    protected final Reference tag(String tag) {
        return Reference.of(repository, tag);
    }

    protected static Content content(Descriptor descriptor, byte[] bytes) {
        return new Bytes(descriptor, bytes);
    }

    private static Descriptor on(Descriptor manifest, String platform) {
        return new Descriptor(
                manifest.mediaType(),
                manifest.digest(),
                manifest.sizeBytes(),
                Optional.of(Platform.parse(platform)),
                Map.of());
    }

    /** Compares what a descriptor points at; where it was found may add words to it. */
    protected static void assertSame(Descriptor found, Descriptor expected) {
        assertThat(found.mediaType()).isEqualTo(expected.mediaType());
        assertThat(found.digest()).isEqualTo(expected.digest());
        assertThat(found.sizeBytes()).isEqualTo(expected.sizeBytes());
    }

    protected static void assertMissing(Callable<?> call, String message) {
        Throwable thrown = catchThrowable(call::call);
        assertThat(thrown).isInstanceOf(DriverException.class).hasMessageContaining(message);
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(Failure.Kind.MISSING);
    }
}
