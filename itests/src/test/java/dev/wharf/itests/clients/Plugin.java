package dev.wharf.itests.clients;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.opentest4j.TestAbortedException;

/** Plugins of the docker command, which {@code itests/verify} fetches where the machine has none. */
public final class Plugin {
    private Plugin() {}

    /** Lets a docker command with this configuration have a plugin; where there is none, the test is not done. */
    public static void give(String name, Path configuration) throws IOException {
        Path plugin =
                Files.createDirectories(configuration.resolve("cli-plugins")).resolve(name);
        if (!Files.exists(plugin)) {
            Files.createSymbolicLink(plugin, find(name));
        }
    }

    private static Path find(String name) {
        for (String place : List.of("target/tools/", "/usr/libexec/docker/cli-plugins/")) {
            if (Files.isExecutable(Path.of(place + name))) {
                return Path.of(place + name).toAbsolutePath();
            }
        }
        throw new TestAbortedException("no " + name + ": itests/verify could not fetch it");
    }
}
