package dev.wharf.runtime;

import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ContainerSpec.Networking;
import dev.wharf.spi.runtime.RuntimeSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes the files that tell a container who and where it is: hosts(5), hostname(5) and resolv.conf(5). They are written
 * anew in place at each start, so that a bind of them goes on seeing the newest.
 */
final class HostFiles {
    static final String HOSTS = "hosts";
    static final String HOSTNAME = "hostname";
    static final String RESOLV = "resolv.conf";

    private static final List<String> USUAL_HOSTS = List.of(
            "127.0.0.1\tlocalhost",
            "::1\tlocalhost ip6-localhost ip6-loopback",
            "fe00::\tip6-localnet",
            "ff00::\tip6-mcastprefix",
            "ff02::1\tip6-allnodes",
            "ff02::2\tip6-allrouters");

    /** The house's own resolver, inside every container on a network with names. */
    private static final String RESOLVER = "127.0.0.11";

    /** Asked where the host's own resolvers cannot be reached from inside; what Docker's users are used to. */
    private static final List<String> LAST_RESORT = List.of("8.8.8.8", "8.8.4.4");

    private final Path hostResolv;
    private final Path systemdResolv;
    private final Path hostHosts;

    HostFiles() {
        this(Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf"), Path.of("/etc/hosts"));
    }

    /** Reads the host's resolvers from {@code hostResolv}; where that names only systemd's own, from the other. */
    HostFiles(Path hostResolv, Path systemdResolv, Path hostHosts) {
        this.hostHosts = hostHosts;
        this.hostResolv = hostResolv;
        this.systemdResolv = systemdResolv;
    }

    void write(RuntimeSpec spec, Path directory) throws IOException {
        write(directory.resolve(HOSTS), hosts(spec));
        write(directory.resolve(HOSTNAME), spec.spec().hostname() + "\n");
        write(directory.resolve(RESOLV), resolv(spec));
    }

    /** Changes what a running container's files say, and leaves alone what somebody else made of them. */
    void amend(RuntimeSpec.Whereabouts before, RuntimeSpec.Whereabouts after, Path directory) throws IOException {
        Path hosts = directory.resolve(HOSTS);
        List<String> old = lines(before);
        List<String> wanted = lines(after);
        List<String> is = Files.exists(hosts) ? Files.readAllLines(hosts, StandardCharsets.UTF_8) : List.of();
        List<String> lines = new ArrayList<>(is);
        // A line that is to go may have been written when somebody in it was called something else.
        Set<String> gone = old.stream().map(HostFiles::key).collect(Collectors.toSet());
        wanted.forEach(line -> gone.remove(key(line)));
        lines.removeIf(line -> gone.contains(key(line)) || old.contains(line) && !wanted.contains(line));
        wanted.stream()
                .filter(line -> !old.contains(line) && !is.contains(line))
                .forEach(lines::add);
        if (!lines.equals(is)) {
            write(hosts, lines.stream().map(line -> line + "\n").collect(Collectors.joining()));
        }
        Path resolv = directory.resolve(RESOLV);
        String now = Files.exists(resolv) ? Files.readString(resolv, StandardCharsets.UTF_8) : "";
        String changed = resolv(after.networking(), after.nameservers());
        if (now.equals(resolv(before.networking(), before.nameservers())) && !now.equals(changed)) {
            write(resolv, changed);
        }
    }

    private static List<String> lines(RuntimeSpec.Whereabouts where) {
        return where.hosts().stream().map(HostFiles::line).toList();
    }

    private static String line(RuntimeSpec.HostLine line) {
        return line.address() + "\t" + String.join(" ", line.names());
    }

    /** The address and the first name. */
    private static String key(String line) {
        int space = line.indexOf(' ');
        return space < 0 ? line : line.substring(0, space);
    }

    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardCharsets.UTF_8);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    }

    /** Who shares the host's network knows the names that the host knows. */
    String hosts(RuntimeSpec spec) throws IOException {
        List<String> lines = new ArrayList<>();
        if (spec.spec().networking().sandbox().kind() == Namespace.Kind.HOST) {
            lines.addAll(read(hostHosts));
            spec.hosts().stream().map(HostFiles::line).forEach(lines::add);
            return lines.stream().map(line -> line + "\n").collect(Collectors.joining());
        }
        boolean hasLocalhost =
                spec.hosts().stream().anyMatch(line -> line.names().contains("localhost"));
        if (!hasLocalhost) {
            lines.addAll(USUAL_HOSTS);
        }
        spec.hosts().forEach(line -> lines.add(line(line)));
        return lines.stream().map(line -> line + "\n").collect(Collectors.joining());
    }

    String resolv(RuntimeSpec spec) throws IOException {
        return resolv(spec.spec().networking(), spec.nameservers());
    }

    private String resolv(Networking networking, List<String> wanted) throws IOException {
        boolean ownSandbox = networking.sandbox().kind() != Namespace.Kind.HOST;
        List<String> host = read(hostResolv);
        if (ownSandbox && values(host, "nameserver").equals(List.of("127.0.0.53")) && Files.exists(systemdResolv)) {
            host = read(systemdResolv);
        }
        List<String> nameservers = wanted;
        if (nameservers.isEmpty()) {
            nameservers = values(host, "nameserver").stream()
                    .filter(address -> !ownSandbox || !isLoopback(address))
                    .toList();
        }
        if (nameservers.isEmpty() && ownSandbox) {
            nameservers = LAST_RESORT;
        }
        List<String> search = networking.dnsSearch().isEmpty() ? words(host, "search") : networking.dnsSearch();
        List<String> options = networking.dnsOptions().isEmpty() ? words(host, "options") : networking.dnsOptions();
        if (nameservers.equals(List.of(RESOLVER)) && options.stream().noneMatch(o -> o.startsWith("ndots:"))) {
            // Names of containers have no dots and must be asked for as they are, before any search domain.
            options = Stream.concat(options.stream(), Stream.of("ndots:0")).toList();
        }
        StringBuilder text = new StringBuilder();
        nameservers.forEach(
                address -> text.append("nameserver ").append(address).append('\n'));
        // A lone dot asks for no search domain at all.
        if (!search.isEmpty() && !search.equals(List.of("."))) {
            text.append("search ").append(String.join(" ", search)).append('\n');
        }
        if (!options.isEmpty()) {
            text.append("options ").append(String.join(" ", options)).append('\n');
        }
        return text.toString();
    }

    private static boolean isLoopback(String address) {
        return address.startsWith("127.") || address.equals("::1");
    }

    private static List<String> read(Path file) throws IOException {
        try {
            return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private static List<String> values(List<String> lines, String keyword) {
        return lines.stream()
                .map(line -> line.strip().split("\\s+"))
                .filter(words -> words.length >= 2 && words[0].equals(keyword))
                .map(words -> words[1])
                .toList();
    }

    /** The words of the last line with this keyword: the last one counts (resolv.conf(5)). */
    private static List<String> words(List<String> lines, String keyword) {
        List<String> found = List.of();
        for (String line : lines) {
            String[] words = line.strip().split("\\s+");
            if (words.length >= 2 && words[0].equals(keyword)) {
                found = List.of(words).subList(1, words.length);
            }
        }
        return found;
    }
}
