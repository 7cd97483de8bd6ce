package dev.wharf.engine.archive;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.engine.archive.StillView.Mounted;
import dev.wharf.model.ContainerId;
import dev.wharf.model.InitProcess;
import dev.wharf.model.MountSpec;
import dev.wharf.model.VolumeName;
import dev.wharf.oci.layer.Dir;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The way into a container's file system. Where its first process runs, it is what that process sees; where nothing runs, the
 * root file system is mounted for the length of the visit, and volumes and binds are looked for where they are kept. Paths are
 * only ever followed inside: by the kernel with the container's root as the root, or step by step from open directories.
 */
final class ContainerFiles {
    private final Trees trees;

    ContainerFiles(Trees trees) {
        this.trees = trees;
    }

    /** Something to do in a container's file system. */
    interface Visit<R> {
        R in(Dir root) throws IOException, DriverException;
    }

    <R> R visit(Agent agent, Container c, Visit<R> visit) throws IOException, DriverException {
        Optional<Dir> live = c.isRunning() ? live(c) : Optional.empty();
        if (live.isPresent()) {
            try (Dir root = live.get()) {
                return visit.in(root);
            }
        }
        return agent.streams().grounded(c.id(), rootfs -> {
            try (Dir root = new StillView(trees, rootfs, mounted(agent, c)).open()) {
                return visit.in(root);
            }
        });
    }

    /** The root as the container's first process has it; empty where that process is gone. */
    private Optional<Dir> live(Container c) {
        Optional<InitProcess> init = c.process().last().map(Container.Process::init);
        if (init.isEmpty()) {
            return Optional.empty();
        }
        Path process = Path.of("/proc", Integer.toString(init.get().pid()));
        Dir root;
        try {
            root = trees.open(process.resolve("root"));
        } catch (IOException e) {
            return Optional.empty();
        }
        // The pid may be another's by now. If it was still ours after the directory was opened, so was the directory.
        if (startTicks(process) == init.get().startTicks()) {
            return Optional.of(root);
        }
        root.close();
        return Optional.empty();
    }

    /** Field 22 of /proc/[pid]/stat (proc(5)); the second field may hold anything, so it is counted from its end. */
    private static long startTicks(Path process) {
        try {
            String stat = Files.readString(process.resolve("stat"), java.nio.charset.StandardCharsets.ISO_8859_1);
            return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
        } catch (IOException | RuntimeException e) {
            return -1;
        }
    }

    private static List<Mounted> mounted(Agent agent, Container c) {
        // A mount of one of these places goes before, since it comes after.
        List<Mounted> all = new ArrayList<>(nameFiles(agent, c));
        for (MountSpec mount : c.spec().mounts()) {
            source(agent, mount).filter(Files::exists).ifPresent(s -> all.add(new Mounted(mount.target(), s)));
        }
        return all;
    }

    /** The files by which it finds names, as its last start left them; they are those of whoever's network it shares. */
    private static List<Mounted> nameFiles(Agent agent, Container c) {
        ContainerId owner = c.spec().networking().sandbox().container().orElse(c.id());
        Path log;
        try {
            log = agent.streams().logFile(owner);
        } catch (DriverException e) {
            // Gone with whom it shared them with, or with its runtime.
            return List.of();
        }
        return Stream.of("hosts", "hostname", "resolv.conf")
                .map(name -> new Mounted("/etc/" + name, log.resolveSibling(name)))
                .filter(file -> Files.exists(file.source()))
                .toList();
    }

    /** What is kept while nothing runs: a tmpfs is not. */
    private static Optional<Path> source(Agent agent, MountSpec mount) {
        try {
            return switch (mount.kind()) {
                case BIND -> Optional.of(Path.of(mount.source()));
                case VOLUME -> {
                    Path volume = agent.streams().volume(new VolumeName(mount.source()));
                    String part = mount.options().getOrDefault("subpath", "");
                    yield Optional.of(
                            part.isEmpty() ? volume : agent.streams().files().resolveInRoot(volume, part));
                }
                case TMPFS, IMAGE -> Optional.empty();
            };
        } catch (DriverException | IOException e) {
            // A volume that is not ready holds nothing yet.
            return Optional.empty();
        }
    }
}
