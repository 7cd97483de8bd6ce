package dev.wharf.network.cni;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.Optional;

/**
 * What plugins answered, a file per endpoint, because CHECK and DEL must be told (CNI 1.0, section 4). A file without a result
 * says that somebody began. It lies where the boot sweeps, as what plugins make does not outlive a boot either.
 */
record Ledger(Path folder) {
    /** @param result what the last plugin of the list answered, if it came to that */
    record Entry(String namespace, Optional<JsonNode> result) {}

    Optional<Entry> find(String endpoint) throws DriverException {
        try {
            JsonNode read = ConfList.JSON.readTree(Files.readString(file(endpoint)));
            return Optional.of(new Entry(
                    read.path("namespace").asText(""),
                    read.hasNonNull("result") ? Optional.of(read.path("result")) : Optional.empty()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failed("read", endpoint, e);
        }
    }

    /** Where endpoints may be, each place once. */
    List<Path> sandboxes() throws DriverException {
        List<Path> all = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return all;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.json")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                find(name.substring(0, name.length() - ".json".length()))
                        .ifPresent(e -> all.add(Path.of(e.namespace())));
            }
        } catch (IOException e) {
            throw failed("list", "", e);
        }
        return all.stream().distinct().toList();
    }

    void write(String endpoint, Entry entry) throws DriverException {
        ObjectNode node = ConfList.JSON.createObjectNode().put("namespace", entry.namespace());
        entry.result().ifPresent(result -> node.set("result", result));
        try {
            Files.createDirectories(folder);
            Path draft = folder.resolve(endpoint + ".new");
            Files.writeString(draft, node.toString());
            Files.move(draft, file(endpoint), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("write", endpoint, e);
        }
    }

    void remove(String endpoint) throws DriverException {
        try {
            Files.deleteIfExists(file(endpoint));
        } catch (IOException e) {
            throw failed("remove", endpoint, e);
        }
    }

    private Path file(String endpoint) {
        return folder.resolve(endpoint + ".json");
    }

    private static DriverException failed(String verb, String endpoint, IOException why) {
        return DriverException.failure(
                Failure.Kind.FAILED,
                "cannot " + verb + " what CNI plugins answered for endpoint " + endpoint + ": " + why.getMessage(),
                why);
    }
}
