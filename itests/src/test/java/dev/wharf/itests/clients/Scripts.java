package dev.wharf.itests.clients;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** What the clients are driven with: scripts and files of the resources, at a path that a program can be given. */
final class Scripts {
    private Scripts() {}

    static Path path(String name) {
        try {
            return Path.of(Objects.requireNonNull(Scripts.class.getResource("/clients/" + name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(name, e);
        }
    }

    static byte[] bytes(String name) throws IOException {
        return Files.readAllBytes(path(name));
    }
}
