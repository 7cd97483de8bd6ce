package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every Dockerfile of the corpus is built, and those that dockerd's classic builder takes come to the same config, history and
 * files there, where it is installed.
 */
@Timeout(120)
class CorpusIT {
    @TempDir
    private static Path folder;

    private static Daemon daemon;
    private static Optional<ClassicDocker> docker = Optional.empty();

    @BeforeAll
    @Timeout(180)
    static void start() throws Exception {
        Corpus.context(Files.createDirectories(folder.resolve("context")));
        daemon = SharedAgent.withBusybox(folder.resolve("agent"));
        if (ClassicDocker.isInstalled()) {
            docker = Optional.of(ClassicDocker.start(folder.resolve("d")));
            Path busybox = folder.resolve("busybox.tar");
            daemon.docker("save", "--output", busybox.toString(), "busybox").outOrThrow();
            docker.get().docker("load", "--input", busybox.toString()).outOrThrow();
        }
    }

    @AfterAll
    static void stop() throws Exception {
        if (docker.isPresent()) {
            docker.get().close();
        }
        daemon.close();
    }

    static List<Corpus.Case> cases() throws IOException {
        return Corpus.read();
    }

    @Test
    void theCorpusIsLargeAndHasEveryInstruction() throws IOException {
        List<Corpus.Case> cases = Corpus.read();

        assertThat(cases).hasSizeGreaterThanOrEqualTo(60);
        for (String word : List.of(
                "FROM",
                "RUN",
                "COPY",
                "ADD",
                "ENV",
                "ARG",
                "LABEL",
                "USER",
                "WORKDIR",
                "EXPOSE",
                "VOLUME",
                "CMD",
                "ENTRYPOINT",
                "SHELL",
                "STOPSIGNAL",
                "HEALTHCHECK",
                "ONBUILD",
                "MAINTAINER")) {
            assertThat(cases).anyMatch(c -> c.text().lines().anyMatch(line -> line.startsWith(word + " ")));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void itBuildsAndComesToWhatDockerMakesOfIt(Corpus.Case one) throws Exception {
        Path context = folder.resolve("context");
        Files.writeString(context.resolve("Dockerfile"), one.text());
        if (one.ignored().isEmpty()) {
            Files.deleteIfExists(context.resolve(".dockerignore"));
        } else {
            Files.write(context.resolve(".dockerignore"), one.ignored());
        }
        List<String> command = new ArrayList<>(List.of("build", "--tag", one.name()));
        command.addAll(one.options());
        command.add(context.toString());

        // Side by side, since two engines are in nobody's way but the clock's.
        Optional<CompletableFuture<Outcome>> other =
                docker.filter(d -> one.classic()).map(d -> CompletableFuture.supplyAsync(() -> beside(d, command)));
        docker(command).outOrThrow();

        if (other.isPresent()) {
            other.get().join().outOrThrow();
            SavedImage ours = saved(args -> daemon.docker(args), one.name());
            SavedImage theirs = saved(args -> docker.get().docker(args), one.name());
            assertThat(ours.config()).isEqualTo(theirs.config());
            assertThat(ours.history()).isEqualTo(theirs.history());
            assertThat(ours.tree()).isEqualTo(theirs.tree());
        }
    }

    private static Outcome beside(ClassicDocker docker, List<String> command) {
        try {
            return docker.docker(command.toArray(String[]::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while dockerd built", e);
        }
    }

    private static Outcome docker(List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(arguments);
        return Outcome.of(
                command, Map.of("DOCKER_HOST", daemon.host(), "DOCKER_BUILDKIT", "0"), Duration.ofSeconds(60));
    }

    private interface Engine {
        Outcome docker(String... arguments) throws IOException, InterruptedException;
    }

    private static SavedImage saved(Engine engine, String name) throws IOException, InterruptedException {
        Path file = folder.resolve("saved.tar");
        engine.docker("save", "--output", file.toString(), name).outOrThrow();
        return SavedImage.read(file);
    }
}
