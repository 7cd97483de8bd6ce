package dev.wharf.runtime;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.process.Epoll;
import dev.wharf.linux.process.LinuxDescriptors;
import dev.wharf.linux.process.LinuxProcesses;
import dev.wharf.linux.seccomp.LinuxSystemCallFilters;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.SystemCallFilters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** This host as tests use it: its kernel, and a root file system made of busybox. */
final class Host {
    private static final Epoll EPOLL = new Epoll();

    static final Processes PROCESSES = new LinuxProcesses(EPOLL);
    static final Descriptors DESCRIPTORS = new LinuxDescriptors(EPOLL);
    static final FileCalls FILES = new LinuxFileCalls();
    static final SystemCallFilters FILTERS = new LinuxSystemCallFilters();

    private static final Path BUSYBOX = Path.of("/usr/bin/busybox");

    private Host() {}

    /** A root file system at {@code root}, with a few users, among them {@code ann} and the groups {@code crew, deck}. */
    static Path rootfs(Path root) throws IOException {
        Path bin = Files.createDirectories(root.resolve("bin"));
        Files.copy(BUSYBOX, bin.resolve("busybox"));
        for (String name : List.of(
                "sh",
                "cat",
                "echo",
                "head",
                "hostname",
                "id",
                "ls",
                "mkdir",
                "sed",
                "sleep",
                "stty",
                "tail",
                "touch",
                "tr",
                "true",
                "yes",
                "grep",
                "mount",
                "chown",
                "unshare",
                "ping",
                "wc",
                "ulimit",
                "dd",
                "env",
                "pwd",
                "stat",
                "kill",
                "ps",
                "printf")) {
            Files.createSymbolicLink(bin.resolve(name), Path.of("busybox"));
        }
        for (String directory : List.of("dev", "etc", "proc", "sys", "tmp", "root")) {
            Files.createDirectories(root.resolve(directory));
        }
        Files.writeString(
                root.resolve("etc/passwd"),
                "root:x:0:0:root:/root:/bin/sh\nann:x:1001:1002:Ann:/home/ann:/bin/sh\n1234:x:55:55::/home/odd:/bin/sh\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\ncrew:x:1002:\ndeck:x:1003:ann\nhold:x:1004:\n");
        return root;
    }
}
