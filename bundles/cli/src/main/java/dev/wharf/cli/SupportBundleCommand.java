package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import dev.wharf.cli.doctor.Finding;
import dev.wharf.cli.doctor.Machine;
import dev.wharf.cli.support.Mask;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Everything that somebody who helps asks for, in one file. */
@Command(
        name = "support-bundle",
        description =
                "Gathers in one file what somebody who helps needs: versions, settings, what doctor says, the end of the"
                        + " journal, inspections, threads, metrics, mounts, firewall rules and logs. Values of environment variables and"
                        + " whatever is called a password, a token or a key are taken out; look through it before it leaves the host.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  wharf support-bundle", "  wharf support-bundle --output /tmp/wharf.zip --batches 5000"})
final class SupportBundleCommand implements Callable<Integer> {
    /** The end of a log is what tells; its beginning fills mail boxes. */
    private static final int LOG_BYTES = 2 << 20;

    private static final int MOST_CONTAINERS = 200;

    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private final Main main;
    private final Machine machine = new Machine();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "where to write it (wharf-support-TIME.zip in this folder)")
    private String output = "";

    @Option(names = "--batches", paramLabel = "COUNT", description = "how many batches of the journal's end (1000)")
    private int batches = 1000;

    @Option(names = "--config-dir", paramLabel = "DIR", description = "the folder of settings (/etc/wharf)")
    private Path configDir = Path.of("/etc/wharf");

    @Option(names = "--data-root", paramLabel = "DIR", description = "the data root of an agent that does not answer")
    private Path dataRoot = Path.of("/var/lib/wharf");

    @Option(names = "--exec-root", paramLabel = "DIR", description = "the exec root of an agent that does not answer")
    private Path execRoot = Path.of("/run/wharf");

    SupportBundleCommand(Main main) {
        this.main = main;
    }

    /** One file of the bundle. What cannot be had is told in its place. */
    private interface Source {
        String text() throws IOException;
    }

    /** A file of the bundle that is read while it is written. */
    private interface Lines {
        Client.Answer open() throws IOException;
    }

    @Override
    public Integer call() throws IOException {
        Path file = Path.of(output.isEmpty() ? "wharf-support-" + STAMP.format(Instant.now()) + ".zip" : output);
        List<String> names = new ArrayList<>();
        create(file);
        Thread tidying = new Thread(() -> remove(file), "tidying");
        Runtime.getRuntime().addShutdownHook(tidying);
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file, StandardOpenOption.WRITE))) {
            gather(new Gathering(zip, names));
        } catch (IOException e) {
            remove(file);
            throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
        }
        Runtime.getRuntime().removeShutdownHook(tidying);
        try (Output out = new Output(main.surroundings())) {
            out.line("Wrote " + file.toAbsolutePath() + ": " + names.size() + " files, " + Files.size(file) / 1024
                    + " KiB.");
            out.line("Secrets that stand where secrets stand were taken out. Look through it before you pass it on.");
        }
        return Main.OK;
    }

    /** For root alone from the first byte on, and never over something that is there. */
    private static void create(Path file) throws IOException {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException e) {
            throw new IOException(
                    "cannot write " + file + ": " + e.getClass().getSimpleName() + "; name another with --output", e);
        }
    }

    /** Half a bundle opens nowhere, and would be in the way of the next. */
    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // Whoever interrupted us sees it lie there.
        }
    }

    private record Gathering(ZipOutputStream zip, List<String> names) {
        void add(String name, Source source) throws IOException {
            String text;
            try {
                text = source.text();
            } catch (IOException e) {
                text = "not to be had: " + e.getMessage() + "\n";
            }
            zip.putNextEntry(new ZipEntry(name));
            zip.write(text.getBytes(StandardCharsets.UTF_8));
            zip.closeEntry();
            names.add(name);
        }

        /** The same line by line, for an answer that may be larger than this program's memory: each checkpoint tells the whole host. */
        void lines(String name, Lines source) throws IOException {
            zip.putNextEntry(new ZipEntry(name));
            try (Client.Answer answer = source.open()) {
                BufferedReader lines = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    zip.write((Mask.json(line).strip() + "\n").getBytes(StandardCharsets.UTF_8));
                }
            } catch (IOException e) {
                zip.write(("not to be had: " + e.getMessage() + "\n").getBytes(StandardCharsets.UTF_8));
            }
            zip.closeEntry();
            names.add(name);
        }
    }

    private void gather(Gathering into) throws IOException {
        Client agent = main.agent();
        String pid = "self";
        try {
            Json self = Json.read(agent.text(new Request("/wharf/v1/agent")));
            dataRoot = Path.of(self.text("dataRoot"));
            execRoot = Path.of(self.text("execRoot"));
            pid = self.text("pid");
        } catch (IOException e) {
            // Without an agent there is still what the host itself tells.
        }
        String agentPid = pid;
        into.add("doctor.json", () -> Mask.json(DoctorCommand.json(findings())));
        into.add("version.txt", this::versions);
        json(into, agent, "agent.json", "/wharf/v1/agent");
        json(into, agent, "engine/version.json", "/version");
        json(into, agent, "engine/info.json", "/info");
        json(into, agent, "engine/df.json", "/system/df");
        json(into, agent, "engine/networks.json", "/networks");
        json(into, agent, "engine/volumes.json", "/volumes");
        json(into, agent, "engine/images.json", "/images/json");
        json(into, agent, "drivers.json", "/wharf/v1/drivers");
        json(into, agent, "journal/facts.json", "/wharf/v1/journal/facts");
        into.lines("journal/end.jsonl", () -> agent.get(new Request("/wharf/v1/journal").with("last", "" + batches)));
        containers(into, agent);
        into.add("threads.txt", () -> agent.text(new Request("/wharf/v1/threads")));
        into.add("metrics.txt", () -> Mask.text(agent.text(new Request("/metrics"))));
        into.add("host/mounts.txt", () -> Mask.text(machine.text("/proc/" + agentPid + "/mountinfo")));
        into.add("host/limits.txt", () -> machine.text("/proc/" + agentPid + "/limits"));
        into.add("host/status.txt", () -> machine.text("/proc/" + agentPid + "/status"));
        into.add("host/meminfo.txt", () -> machine.text("/proc/meminfo"));
        into.add("host/links.txt", () -> said("ip", "-details", "address"));
        into.add("host/firewall.txt", () -> said("nft", "list", "table", "inet", table(execRoot)));
        into.add(
                "log/journald.txt",
                () -> said("journalctl", "--unit=wharfd", "--lines=5000", "--no-pager", "--output=short-iso"));
        into.add("log/wharfd.txt", () -> Mask.text(end(execRoot.resolve("wharfd.log"))));
        settings(into);
    }

    private List<Finding> findings() {
        return DoctorCommand.examine(main, dataRoot, execRoot);
    }

    private String versions() {
        return "kernel   " + machine.text("/proc/version") + "\njava     " + Runtime.version() + "\n"
                + machine.text("/etc/os-release") + "\n"
                + List.of("crun", "runc", "conmon").stream()
                        .map(program -> machine.run(program, "--version")
                                .map(ran -> ran.said() + "\n")
                                .orElse(program + " is not installed\n"))
                        .collect(Collectors.joining());
    }

    private static void json(Gathering into, Client agent, String name, String target) throws IOException {
        into.add(name, () -> Mask.json(agent.text(new Request(target))));
    }

    private static void containers(Gathering into, Client agent) throws IOException {
        List<Json> containers;
        try {
            String list = agent.text(new Request("/containers/json").with("all", "1"));
            into.add("engine/containers.json", () -> Mask.json(list));
            containers = Json.read(list).items();
        } catch (IOException e) {
            return;
        }
        for (Json container : containers.subList(0, Math.min(MOST_CONTAINERS, containers.size()))) {
            String id = container.text("Id");
            json(
                    into,
                    agent,
                    "containers/" + id.substring(0, Math.min(12, id.length())) + ".json",
                    "/containers/" + id + "/json");
        }
    }

    private String said(String program, String... arguments) throws IOException {
        return Mask.text(machine.run(program, arguments)
                .orElseThrow(() -> new IOException(program + " is not installed"))
                .said());
    }

    private void settings(Gathering into) throws IOException {
        String home = System.getProperty("wharf.home", "");
        Path folder = Files.isDirectory(configDir) || home.isEmpty() ? configDir : Path.of(home, "etc");
        if (!Files.isDirectory(folder)) return;
        List<Path> files = new ArrayList<>();
        // Nothing else: other files there may be keys and passwords.
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "*.{cfg,conf}")) {
            entries.forEach(files::add);
        }
        for (Path file : files) {
            into.add("settings/" + file.getFileName(), () -> Mask.settings(Files.readString(file)));
        }
    }

    private static String end(Path log) throws IOException {
        if (!Files.exists(log)) throw new IOException("there is no " + log);
        try (SeekableByteChannel file = Files.newByteChannel(log)) {
            file.position(Math.max(0, file.size() - LOG_BYTES));
            return new String(Channels.newInputStream(file).readNBytes(LOG_BYTES), StandardCharsets.UTF_8);
        }
    }

    /** The name that the bridge driver gives the table of the agent with this exec root. */
    static String table(Path execRoot) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(execRoot.toAbsolutePath().normalize().toString().getBytes(StandardCharsets.UTF_8));
            return "wharf-" + HexFormat.of().formatHex(hash, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
