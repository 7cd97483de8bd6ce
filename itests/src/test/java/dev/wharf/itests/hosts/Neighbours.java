package dev.wharf.itests.hosts;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/** Hosts with an agent each, plugged into one switch; host {@code n} has the address {@code 172.24.0.(n + 1)}. */
final class Neighbours implements AutoCloseable {
    private final Path folder;
    private final String prefix = "wt" + ProcessHandle.current().pid() % 100_000;
    private final List<Daemon> agents = new ArrayList<>();

    private final IntFunction<Map<String, String>> settings;

    Neighbours(Path folder, int count) throws IOException, InterruptedException {
        this(folder, count, n -> Map.of("dev.wharf.network.peers.cfg", peers(count)));
    }

    /**
     * @param settings the files in the settings folder of each host, by name
     */
    Neighbours(Path folder, int count, IntFunction<Map<String, String>> settings)
            throws IOException, InterruptedException {
        this.folder = folder;
        this.settings = settings;
        try {
            open(count);
        } catch (IOException | InterruptedException e) {
            close();
            throw e;
        }
    }

    private void open(int count) throws IOException, InterruptedException {
        run("ip", "netns", "add", space("sw"));
        ip("sw", "link", "add", "switch0", "type", "bridge");
        ip("sw", "link", "set", "switch0", "up");
        for (int n = 0; n < count; n++) {
            plug(n);
        }
        for (int n = 0; n < count; n++) {
            Path etc = Files.createDirectories(home(n).resolve("etc"));
            for (Map.Entry<String, String> file : settings.apply(n).entrySet()) {
                Files.writeString(etc.resolve(file.getKey()), file.getValue());
            }
            SharedAgent.offerBusybox(home(n).resolve("data"));
            Daemon agent = Daemon.start(launcher(n), home(n), "--config-dir=" + etc);
            agents.add(agent);
            SharedAgent.pullBusybox(agent);
        }
    }

    /** The lines that name the hosts to one another. */
    static String peers(int count) {
        StringBuilder peers = new StringBuilder();
        for (int n = 0; n < count; n++) {
            peers.append("host.%d = %s h%d\n".formatted(n, address(n), n));
        }
        return peers.toString();
    }

    /** Plugs this machine itself into the switch, and gives each host an address beside it: {@code subnet} and its number. */
    void reachThisMachine(String subnet, int count) throws IOException, InterruptedException {
        String device = prefix + "up";
        run("ip", "link", "add", device, "type", "veth", "peer", "name", "port-up", "netns", space("sw"));
        ip("sw", "link", "set", "port-up", "master", "switch0", "up");
        run("ip", "addr", "add", subnet + "1/24", "dev", device);
        run("ip", "link", "set", device, "up");
        for (int n = 0; n < count; n++) {
            ip("h" + n, "addr", "add", subnet + (n + 2) + "/24", "dev", "eth0");
        }
    }

    private void plug(int n) throws IOException, InterruptedException {
        String space = space("h" + n);
        run("ip", "netns", "add", space);
        ip(
                "sw",
                "link",
                "add",
                "port" + n,
                "master",
                "switch0",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                space);
        ip("sw", "link", "set", "port" + n, "up");
        ip("h" + n, "link", "set", "lo", "up");
        ip("h" + n, "addr", "add", address(n) + "/16", "dev", "eth0");
        ip("h" + n, "link", "set", "eth0", "up");
    }

    /** A distribution that starts in the host's network and keeps all the rest of the machine. */
    private Path launcher(int n) throws IOException {
        Path bin = Files.createDirectories(home(n).resolve("dist/bin"));
        Path wharfd = bin.resolve("wharfd");
        Files.writeString(
                wharfd,
                "#!/bin/sh\nexec nsenter --net=/run/netns/" + space("h" + n) + " "
                        + Daemon.distribution().resolve("bin/wharfd") + " \"$@\"\n");
        if (!wharfd.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + wharfd + " a program");
        }
        Files.createSymbolicLink(bin.resolve("wharf"), Daemon.distribution().resolve("bin/wharf"));
        return bin.getParent();
    }

    /** The folder of host {@code n}, with its {@code data} and {@code etc}. */
    Path home(int n) {
        return folder.resolve("h" + n);
    }

    private String space(String name) {
        return prefix + name;
    }

    static String address(int n) {
        return "172.24.0." + (n + 1);
    }

    Daemon agent(int n) {
        return agents.get(n);
    }

    /** Runs the docker command against the agent of host {@code n}; it must succeed. */
    String docker(int n, String... arguments) throws IOException, InterruptedException {
        return agent(n).docker(arguments).outOrThrow().stripTrailing();
    }

    /** Runs ip(8) in the network of a host, such as {@code h0}. */
    String ip(String host, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("ip", "-netns", space(host)));
        command.addAll(List.of(arguments));
        return run(command.toArray(String[]::new));
    }

    /** Starts a program in the network of a host or of the switch, {@code sw}. */
    Process start(String host, String... command) throws IOException {
        List<String> all = new ArrayList<>(List.of("nsenter", "--net=/run/netns/" + space(host)));
        all.addAll(List.of(command));
        return new ProcessBuilder(all).redirectErrorStream(true).start();
    }

    private static String run(String... command) throws IOException, InterruptedException {
        return Outcome.of(command).outOrThrow();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (Daemon agent : agents) {
            agent.close();
        }
        for (String line : Outcome.of("ip", "netns", "list").out().lines().toList()) {
            String name = line.split(" ")[0];
            if (name.startsWith(prefix)) {
                run("ip", "netns", "del", name);
            }
        }
    }
}
