package dev.wharf.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.Images;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An author follows plugins.md to the letter, from an empty folder to a container that stands on drivers of their own. */
@Timeout(600)
class PluginKitIT {
    private static final Pattern COMMANDS = Pattern.compile("^```sh\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL);

    @TempDir
    private Path folder;

    @Test
    void pluginsMdLeadsFromAnEmptyFolderToAServedContainer() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        Path layouts = Files.createDirectories(folder.resolve("agent/data/layouts/docker.io/library"));
        Outcome.of(
                        "cp",
                        "-r",
                        Images.busybox().toString(),
                        layouts.resolve("busybox").toString())
                .outOrThrow();
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            Map<String, String> environment = new HashMap<>(daemon.environment());
            environment.put("WHARF_HOME", home.toString());
            environment.put("WHARF_HOST", daemon.host());
            environment.put("PATH", tools() + ":" + home.resolve("bin") + ":" + System.getenv("PATH"));
            List<String> commands = commands();
            Path work = Files.createDirectory(folder.resolve("empty"));

            Outcome done = Outcome.of(
                    List.of("sh", "-exc", "cd " + work + "\n" + String.join("\n", commands)),
                    environment,
                    Duration.ofMinutes(8));

            assertThat(done.status()).as(done.out() + done.err()).isZero();
            String journal = daemon.wharf("journal", "tail", "--from", "0").outOrThrow();
            assertThat(journal).contains("storage/folder", "network/quiet", "registry/shelf");
            assertThat(done.out()).contains("\nlo\n").doesNotContain("eth0");
            assertThat(daemon.dataRoot().resolve("shelf/team/app/index.json")).exists();
            assertThat(daemon.dataRoot().resolve("storage/folder/committed")).exists();
            assertThat(work.resolve("my-drivers/target/surefire-reports")).isDirectoryContaining("glob:**Folder*.xml");
        }
    }

    private static List<String> commands() throws Exception {
        Matcher blocks = COMMANDS.matcher(Files.readString(Daemon.distribution().resolve("docs/plugins.md")));
        List<String> commands = new ArrayList<>();
        while (blocks.find()) {
            commands.add(blocks.group(1));
        }
        assertThat(commands).hasSize(4);
        return commands;
    }

    /**
     * A Maven that finds what is public in the repository that built Wharf, so that nothing is downloaded, and what is Wharf's
     * in the kit alone.
     */
    private Path tools() throws Exception {
        Path tools = Files.createDirectory(folder.resolve("tools"));
        Path built =
                Path.of(System.getProperty("maven.repo.local", System.getProperty("user.home") + "/.m2/repository"));
        Path settings =
                Files.writeString(tools.resolve("settings.xml"), """
                <settings>
                  <localRepository>%s</localRepository>
                  <mirrors>
                    <mirror>
                      <id>built</id>
                      <mirrorOf>central</mirrorOf>
                      <url>file://%s</url>
                    </mirror>
                  </mirrors>
                </settings>
                """.formatted(folder.resolve("repository"), built));
        Outcome real = Outcome.of("sh", "-c", "command -v mvn");
        Path mvn = Files.writeString(
                tools.resolve("mvn"),
                "#!/bin/sh\nexec " + real.outOrThrow().strip() + " --batch-mode -s " + settings + " \"$@\"\n");
        Files.setPosixFilePermissions(mvn, PosixFilePermissions.fromString("rwxr-xr-x"));
        return tools;
    }
}
