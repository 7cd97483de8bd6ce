package dev.wharf.cli.doctor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Runs one tiny container of the host's own programs, because a runtime that prints its version may still not work. */
final class Trial {
    private final Machine machine;

    Trial(Machine machine) {
        this.machine = machine;
    }

    Machine.Ran run(String runtime) {
        try {
            Path bundle = Files.createTempDirectory("wharf-doctor");
            try {
                Files.createDirectory(bundle.resolve("rootfs"));
                String id = "wharf-doctor-" + UUID.randomUUID();
                Files.writeString(bundle.resolve("config.json"), config(bundle, id));
                return machine.run(
                                runtime,
                                "--root",
                                bundle.resolve("state").toString(),
                                "run",
                                "--bundle",
                                bundle.toString(),
                                id)
                        .orElse(new Machine.Ran(-1, "not installed"));
            } finally {
                remove(bundle);
            }
        } catch (IOException | UncheckedIOException e) {
            return new Machine.Ran(-1, "cannot be tried: " + e.getMessage());
        }
    }

    private static String config(Path bundle, String id) {
        String mounts = Stream.of("/bin", "/lib", "/lib64", "/usr")
                .filter(folder -> Files.isDirectory(Path.of(folder)))
                .map(folder -> "{\"destination\":\"" + folder + "\",\"type\":\"bind\",\"source\":\"" + folder
                        + "\",\"options\":[\"rbind\",\"ro\"]},")
                .collect(Collectors.joining());
        String namespaces = Stream.of("pid", "mount", "ipc", "uts", "network")
                .map(kind -> "{\"type\":\"" + kind + "\"}")
                .collect(Collectors.joining(","));
        return """
                {"ociVersion":"1.0.0",
                 "process":{"terminal":false,"cwd":"/","user":{"uid":0,"gid":0},"args":["/bin/true"],
                            "env":["PATH=/bin:/usr/bin"],"noNewPrivileges":true},
                 "root":{"path":"%s"},
                 "mounts":[%s{"destination":"/proc","type":"proc","source":"proc"},
                             {"destination":"/dev","type":"tmpfs","source":"tmpfs"}],
                 "linux":{"cgroupsPath":"/wharf/%s","namespaces":[%s],"resources":{"pids":{"limit":100}}}}
                """.formatted(bundle.resolve("rootfs"), mounts, id, namespaces);
    }

    private static void remove(Path bundle) throws IOException {
        List<Path> all;
        try (Stream<Path> tree = Files.walk(bundle)) {
            all = tree.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.delete(path);
        }
    }
}
