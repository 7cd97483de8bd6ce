package dev.wharf.registry.distribution;

import dev.wharf.spi.tls.ClientTls;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import javax.net.ssl.SSLContext;

/**
 * Whom to trust and who we are to one registry. Two equal values may share their connections.
 *
 * @param folder the directory with the registry's own certificates, or empty where it has none
 * @param trusting whether any certificate will do
 * @param stamp changes when the directory's files do
 */
record Tls(Optional<Path> folder, boolean trusting, String stamp) {
    /** The setup for {@code registry}, a host with or without a port. */
    static Tls of(Settings settings, String registry) throws IOException {
        Path folder = settings.certificates().resolve(registry);
        boolean trusting = settings.isInsecure(registry);
        return Files.isDirectory(folder)
                ? new Tls(Optional.of(folder), trusting, stamp(folder))
                : new Tls(Optional.empty(), trusting, "");
    }

    /**
     * The setup for a host that {@code registry} sends us to, for a token or a blob: by its own certificates where it has some,
     * and else by those of the registry, as Docker has it. Whether any certificate will do is said of the host alone.
     */
    static Tls of(Settings settings, String host, String registry) throws IOException {
        Tls own = of(settings, host);
        Tls theirs = own.folder().isPresent() ? own : of(settings, registry);
        return new Tls(theirs.folder(), own.trusting(), theirs.stamp());
    }

    private static String stamp(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            List<String> stamps = new ArrayList<>();
            for (Path file : files) {
                stamps.add(file.getFileName() + " " + Files.getLastModifiedTime(file) + " " + Files.size(file));
            }
            return stamps.stream().sorted().collect(Collectors.joining("\n"));
        }
    }

    /** The context to use; empty for what the Java platform does by itself. */
    Optional<SSLContext> context() throws IOException {
        if (folder.isEmpty() && !trusting) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ClientTls(files("*.crt"), identities(), trusting).context());
        } catch (IOException e) {
            throw new IOException(
                    "cannot use the certificates in "
                            + folder.map(Path::toString).orElse("no folder") + ": " + e.getMessage(),
                    e);
        }
    }

    private List<ClientTls.Identity> identities() throws IOException {
        List<ClientTls.Identity> identities = new ArrayList<>();
        for (Path file : files("*.cert")) {
            String name = file.getFileName().toString();
            Path key = file.resolveSibling(name.substring(0, name.length() - ".cert".length()) + ".key");
            if (!Files.exists(key)) {
                throw new IOException("missing key " + key + " for certificate " + file);
            }
            identities.add(new ClientTls.Identity(file, key));
        }
        return identities;
    }

    private List<Path> files(String glob) throws IOException {
        if (folder.isEmpty()) {
            return List.of();
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.get(), glob)) {
            return StreamSupport.stream(files.spliterator(), false).sorted().toList();
        }
    }
}
