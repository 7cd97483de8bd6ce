package dev.wharf.oci.make;

import com.github.luben.zstd.ZstdOutputStream;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;

/**
 * Makes an image of a few layers and writes it to an OCI layout. Layers are held in memory, so they should be small.
 *
 * <pre>{@code
 * Descriptor image = new ImageMaker()
 *     .layer(layer -> layer.directory("etc", 0755).file("etc/motd", 0644, "hello\n"))
 *     .cmd("/bin/sh")
 *     .into(new OciLayout(folder), "latest");
 * }</pre>
 */
public final class ImageMaker {
    /** How a layer's tar is packed into its blob. */
    public enum Packing {
        PLAIN,
        GZIP,
        ZSTD
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Layer(byte[] tar, Packing packing) {}

    private final List<Layer> layers = new ArrayList<>();
    private final List<ImageConfig.History> history = new ArrayList<>();
    private final Map<String, String> labels = new LinkedHashMap<>();
    private final List<String> env = new ArrayList<>();
    private final List<String> volumes = new ArrayList<>();
    private final List<String> ports = new ArrayList<>();
    private String created = "1970-01-01T00:00:00Z";
    private Platform platform = Platform.host();
    private boolean docker;
    private List<String> cmd = List.of();
    private List<String> entrypoint = List.of();
    private String user = "";
    private String workingDir = "";
    private String stopSignal = "";
    private Optional<Healthcheck> healthcheck = Optional.empty();

    /** Adds a gzip layer on top of those before. */
    public ImageMaker layer(Consumer<LayerMaker> entries) {
        return layer(Packing.GZIP, entries);
    }

    public ImageMaker layer(Packing packing, Consumer<LayerMaker> entries) {
        LayerMaker maker = new LayerMaker();
        entries.accept(maker);
        return layer(packing, maker.tar());
    }

    /** Adds a layer from a whole uncompressed tar, such as another tool made. */
    public ImageMaker layer(Packing packing, Path tar) throws IOException {
        return layer(packing, Files.readAllBytes(tar));
    }

    public ImageMaker layer(Packing packing, byte[] tar) {
        layers.add(new Layer(tar, packing));
        history.add(new ImageConfig.History("", "wharf: layer " + layers.size(), "", "", false));
        return this;
    }

    /** When the image says it was made; the epoch unless said, so that equal images are equal bytes. */
    public ImageMaker created(Instant value) {
        created = value.toString();
        return this;
    }

    public ImageMaker platform(Platform value) {
        platform = value;
        return this;
    }

    /** Writes Docker's media types instead of OCI's. */
    public ImageMaker inDockerForm() {
        docker = true;
        return this;
    }

    public ImageMaker cmd(String... words) {
        cmd = List.of(words);
        return emptyLayer("CMD " + cmd);
    }

    public ImageMaker entrypoint(String... words) {
        entrypoint = List.of(words);
        return emptyLayer("ENTRYPOINT " + entrypoint);
    }

    public ImageMaker env(String key, String value) {
        env.add(key + "=" + value);
        return this;
    }

    public ImageMaker label(String key, String value) {
        labels.put(key, value);
        return this;
    }

    public ImageMaker user(String value) {
        user = value;
        return this;
    }

    public ImageMaker workingDir(String value) {
        workingDir = value;
        return this;
    }

    public ImageMaker stopSignal(String value) {
        stopSignal = value;
        return this;
    }

    public ImageMaker volume(String path) {
        volumes.add(path);
        return this;
    }

    /** A port such as {@code 80/tcp}. */
    public ImageMaker expose(String port) {
        ports.add(port);
        return this;
    }

    public ImageMaker healthcheck(Healthcheck value) {
        healthcheck = Optional.of(value);
        return this;
    }

    private ImageMaker emptyLayer(String createdBy) {
        history.add(new ImageConfig.History("", createdBy, "", "", true));
        return this;
    }

    /** Writes the image and names it; answers with the manifest's descriptor. */
    public Descriptor into(OciLayout layout, String tag) throws IOException {
        layout.create();
        Descriptor manifest = into(layout);
        layout.tag(tag, manifest);
        return manifest;
    }

    /** Writes the image without a name, as a part of an index perhaps. */
    public Descriptor into(OciLayout layout) throws IOException {
        layout.create();
        List<Descriptor> blobs = new ArrayList<>();
        for (Layer layer : layers) {
            blobs.add(layout.put(layerType(layer.packing()), pack(layer)));
        }
        Descriptor config =
                layout.put(docker ? MediaTypes.DOCKER_CONFIG : MediaTypes.OCI_CONFIG, ImageConfigs.write(config()));
        Manifest manifest =
                new Manifest(docker ? MediaTypes.DOCKER_MANIFEST : MediaTypes.OCI_MANIFEST, config, blobs, Map.of());
        Descriptor written = layout.put(manifest.mediaType(), manifest.write());
        return new Descriptor(
                written.mediaType(), written.digest(), written.sizeBytes(), Optional.of(platform), Map.of());
    }

    /** The config as it will be written. */
    public ImageConfig config() {
        return new ImageConfig(
                platform,
                created,
                "",
                user,
                env,
                entrypoint,
                cmd,
                workingDir,
                volumes,
                ports,
                labels,
                stopSignal,
                healthcheck,
                List.of(),
                List.of(),
                layers.stream().map(layer -> Digest.sha256(layer.tar())).toList(),
                history.stream()
                        .map(line -> new ImageConfig.History(created, line.createdBy(), "", "", line.emptyLayer()))
                        .toList());
    }

    private String layerType(Packing packing) {
        return switch (packing) {
            case PLAIN -> docker ? MediaTypes.DOCKER_LAYER : MediaTypes.OCI_LAYER;
            case GZIP -> docker ? MediaTypes.DOCKER_LAYER_GZIP : MediaTypes.OCI_LAYER_GZIP;
            case ZSTD -> docker ? "application/vnd.docker.image.rootfs.diff.tar.zstd" : MediaTypes.OCI_LAYER_ZSTD;
        };
    }

    private static byte[] pack(Layer layer) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = switch (layer.packing()) {
            case PLAIN -> bytes;
            case GZIP -> new GZIPOutputStream(bytes);
            case ZSTD -> new ZstdOutputStream(bytes);
        }) {
            out.write(layer.tar());
        }
        return bytes.toByteArray();
    }
}
