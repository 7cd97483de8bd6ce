package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.itests.images.Images;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.StoreScope;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Lends one agent with {@code busybox} in it to every class that asks. After each test its containers, networks and volumes
 * are removed, and then nothing may be left of them in the kernel or on disk.
 */
public final class SharedAgent implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(SharedAgent.class);

    /** The agent, until the last test of this JVM is over. */
    private record Lent(Daemon daemon, Path folder) implements ExtensionContext.Store.CloseableResource, AutoCloseable {
        @Override
        public void close() throws Exception {
            daemon.close();
            Outcome.of("rm", "-rf", folder.toString());
        }
    }

    private static Daemon agent(ExtensionContext context) {
        return context.getStore(StoreScope.LAUNCHER_SESSION, NAMESPACE)
                .getOrComputeIfAbsent("agent", key -> start(), Lent.class)
                .daemon();
    }

    private static Lent start() {
        try {
            Path folder = Files.createTempDirectory("wharf-conformance");
            return new Lent(withBusybox(folder), folder);
        } catch (IOException e) {
            throw new IllegalStateException("no agent for the tests", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the agent was started", e);
        }
    }

    /** An agent that finds {@code busybox} where it looks for images on disk, and has pulled it. */
    public static Daemon withBusybox(Path folder, String... options) throws IOException, InterruptedException {
        offerBusybox(folder.resolve("data"));
        Daemon daemon = Daemon.start(folder, options);
        try {
            pullBusybox(daemon);
            return daemon;
        } catch (IOException | InterruptedException e) {
            daemon.close();
            throw e;
        }
    }

    /** Puts the image where an agent with this data root looks for {@code layout.local/busybox}. */
    public static void offerBusybox(Path dataRoot) throws IOException, InterruptedException {
        Path layouts = Files.createDirectories(dataRoot.resolve("layouts/layout.local"));
        Outcome.of(
                        "cp",
                        "-r",
                        Images.busybox().toString(),
                        layouts.resolve("busybox").toString())
                .outOrThrow();
    }

    public static void pullBusybox(Daemon daemon) throws IOException, InterruptedException {
        daemon.docker("pull", "--quiet", "layout.local/busybox").outOrThrow();
        daemon.docker("tag", "layout.local/busybox", "busybox").outOrThrow();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Daemon.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return agent(context);
    }

    @Override
    public void beforeEach(ExtensionContext context) throws Exception {
        if (!agent(context).isAlive()) agent(context).restart();
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        Daemon daemon = agent(context);
        if (!daemon.isAlive()) daemon.restart();
        List<String> containers = list(daemon, "ps", "--all", "--quiet", "--no-trunc");
        remove(daemon, containers, "rm", "--force", "--volumes");
        remove(daemon, list(daemon, "network", "ls", "--quiet", "--filter", "type=custom"), "network", "rm");
        remove(daemon, list(daemon, "volume", "ls", "--quiet"), "volume", "rm");

        assertThat(Traces.settled(daemon, containers)).isEmpty();
    }

    private static List<String> list(Daemon daemon, String... arguments) throws IOException, InterruptedException {
        return daemon.docker(arguments).outOrThrow().lines().toList();
    }

    private static void remove(Daemon daemon, List<String> names, String... command)
            throws IOException, InterruptedException {
        if (names.isEmpty()) return;
        List<String> arguments = new ArrayList<>(List.of(command));
        arguments.addAll(names);
        daemon.docker(arguments.toArray(String[]::new)).outOrThrow();
    }
}
