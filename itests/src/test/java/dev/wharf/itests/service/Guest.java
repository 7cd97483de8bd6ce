package dev.wharf.itests.service;

import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.Images;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A Debian that has just been installed, with systemd as its first process: processes, mounts, network, names and control groups
 * are its own, the kernel is this machine's. What lies in {@link #given} it finds at {@code /mnt}.
 */
final class Guest implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path work;
    private final String cgroup;
    private final Process process;

    private Guest(Path work, String cgroup, Process process) {
        this.work = work;
        this.cgroup = cgroup;
        this.process = process;
    }

    static Path given(Path work) {
        return work.resolve("given");
    }

    static Guest boot(Path work) throws Exception {
        Files.createDirectories(given(work));
        String layers = Images.debian().stream().map(Path::toString).collect(Collectors.joining(":"));
        Path script = Path.of(Objects.requireNonNull(Guest.class.getResource("/service/boot.sh"))
                .toURI());
        String cgroup = "wharf-guest-" + ProcessHandle.current().pid();
        // Into control groups of its own first, so that a namespace made afterwards has its root there.
        String enter = "for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -w $tree/cgroup.procs ] || continue;"
                + " mkdir -p $tree/" + cgroup + "; cp $tree/cpuset.cpus $tree/cpuset.mems $tree/" + cgroup
                + "/ 2>/dev/null || true; echo $$ >$tree/" + cgroup + "/cgroup.procs; done;"
                + " exec unshare --mount --uts --ipc --net --cgroup --pid --fork --kill-child sh \"$@\"";
        Process process = new ProcessBuilder("sh", "-euc", enter, "sh", script.toString(), work.toString(), layers)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("console").toFile())
                .start();
        Guest guest = new Guest(work, cgroup, process);
        try {
            guest.await("systemctl is-system-running 2>/dev/null | grep -q -e running -e degraded");
            return guest;
        } catch (IOException | InterruptedException | RuntimeException e) {
            guest.close();
            throw e;
        }
    }

    /** What the first process writes. */
    String console() throws IOException {
        return Files.readString(work.resolve("console"));
    }

    /** The first process of the guest, as the host counts. */
    long init() {
        return systemd().orElseThrow(() -> new IllegalStateException("the guest is gone"));
    }

    /** What sets it up has other children before. */
    private Optional<Long> systemd() {
        return process.children()
                .map(ProcessHandle::pid)
                .filter(pid -> name(pid).equals("systemd\n"))
                .findFirst();
    }

    private static String name(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/comm"));
        } catch (IOException e) {
            // It went while we looked.
            return "";
        }
    }

    Outcome run(String... command) throws IOException, InterruptedException {
        // Namespaces are entered, control groups are not; of version 2, the kernel lets nobody who is outside start a
        // container.
        String enter = "inside=/sys/fs/cgroup/" + cgroup + "/init.scope/cgroup.procs;"
                + " [ ! -w $inside ] || echo $$ >$inside; exec nsenter \"$@\"";
        List<String> words = new ArrayList<>(List.of("sh", "-c", enter, "sh"));
        words.addAll(List.of("--target", Long.toString(init()), "--all", "--root", "--wd", "env", "-i"));
        words.addAll(List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"));
        words.addAll(List.of(command));
        return Outcome.of(words, Map.of(), Duration.ofMinutes(3));
    }

    Outcome sh(String script) throws IOException, InterruptedException {
        return run("sh", "-c", script);
    }

    /** Waits until a script says yes. */
    void await(String script) throws IOException, InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end) {
            if (!process.isAlive()) throw new IOException("the guest ended\n" + console());
            if (systemd().isPresent() && sh(script).status() == 0) return;
            Thread.sleep(100);
        }
        throw new IOException("never: " + script + "\n" + console());
    }

    /** The docker command of this machine against the guest's agent. */
    Outcome docker(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return Outcome.of(
                command,
                Map.of(
                        "DOCKER_HOST",
                        "unix:///proc/" + init() + "/root/run/wharf/wharf.sock",
                        "DOCKER_CONFIG",
                        work.resolve("docker").toString()),
                Duration.ofMinutes(1));
    }

    /** Ends every process of it, and with the last one its mounts and its network are gone. */
    @Override
    public void close() throws IOException, InterruptedException {
        process.children().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        if (!process.waitFor(20, TimeUnit.SECONDS)) throw new IOException("the guest does not end");
        for (int i = 0; i < 300 && !removeCgroups(); i++) Thread.sleep(100);
        Outcome.of("rm", "-rf", "--one-file-system", work.toString());
    }

    private boolean removeCgroups() throws IOException, InterruptedException {
        Outcome.of(
                "sh",
                "-c",
                "find /sys/fs/cgroup -path '*/" + cgroup + "*' -depth -type d -exec rmdir {} + 2>/dev/null");
        try (Stream<Path> trees = Files.list(Path.of("/sys/fs/cgroup"))) {
            return Stream.concat(Stream.of(Path.of("/sys/fs/cgroup")), trees)
                    .noneMatch(tree -> Files.exists(tree.resolve(cgroup)));
        }
    }
}
