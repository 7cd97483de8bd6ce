package dev.wharf.network.macvlan;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * In which sandboxes to look: a file per endpoint that names its sandbox, written before anything is made there. It spares a
 * host with a thousand containers on other networks a look into each. What stands there, the kernel says.
 */
record Places(Path folder) {
    /** Where the endpoint may be, nowhere or at one place. */
    List<Path> of(String endpoint) throws DriverException {
        try {
            return List.of(Path.of(Files.readString(file(endpoint))));
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw failed("read", endpoint, e);
        }
    }

    /** Where endpoints may be, each place once. */
    List<Path> all() throws DriverException {
        List<Path> all = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return all;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*[0-9a-f]")) {
            for (Path file : files) {
                all.addAll(of(file.getFileName().toString()));
            }
        } catch (IOException e) {
            throw failed("list", "", e);
        }
        return all.stream().distinct().toList();
    }

    void note(String endpoint, Path sandbox) throws DriverException {
        try {
            Files.createDirectories(folder);
            Path draft = folder.resolve(endpoint + ".new");
            Files.writeString(draft, sandbox.toString());
            Files.move(draft, file(endpoint), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("write", endpoint, e);
        }
    }

    void forget(String endpoint) throws DriverException {
        try {
            Files.deleteIfExists(file(endpoint));
        } catch (IOException e) {
            throw failed("remove", endpoint, e);
        }
    }

    private Path file(String endpoint) {
        return folder.resolve(endpoint);
    }

    private static DriverException failed(String verb, String endpoint, IOException why) {
        return DriverException.failure(
                Failure.Kind.FAILED,
                "cannot " + verb + " where endpoint " + endpoint + " is: " + why.getMessage(),
                why);
    }
}
