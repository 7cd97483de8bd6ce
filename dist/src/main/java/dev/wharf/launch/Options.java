package dev.wharf.launch;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.event.Level;

/**
 * What the operator asked for on the command line, checked and complete. A parser of our own, because it is smaller
 * than the glue for a library would be, and because every millisecond of start is paid at every start.
 */
record Options(
        Wish wish,
        Path dataRoot,
        Path execRoot,
        List<String> hosts,
        Path pidFile,
        Path configDir,
        Path pluginsDir,
        Optional<Level> logLevel,
        String bridge,
        Optional<String> bip,
        List<String> addressPools,
        Map<String, String> doors) {

    enum Wish {
        SERVE,
        HELP,
        VERSION
    }

    /** The kernel's limit for the name of a network device, and for the path of a unix socket, without their zeros. */
    private static final int DEVICE_NAME_BYTES = 15;

    private static final int SOCKET_PATH_BYTES = 107;

    private static final Pattern DEVICE_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*");
    private static final Pattern CIDR = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})/(\\d{1,2})");

    private static final Pattern POOL = Pattern.compile("base=([0-9a-fA-F.:]+)/(\\d{1,3}),size=(\\d{1,3})");

    /** A bridge wants an address of its own, one for a container, and the two that no host may have. */
    private static final int NARROWEST_PREFIX = 30;

    /** Where subnets of networks come from: an option, and a setting of {@code wharfd.conf} for where it is not given. */
    static final String ADDRESS_POOLS = "wharf.address.pools";

    /** Which addresses {@code host-gateway} stands for, one of each family. */
    static final String HOST_GATEWAY = "wharf.host.gateway";

    private static final List<String> VALUED = List.of(
            "--data-root",
            "--exec-root",
            "--host",
            "--pidfile",
            "--config-dir",
            "--plugins-dir",
            "--log-level",
            "--bridge",
            "--bip",
            "--default-address-pool",
            "--group",
            "--socket-mode",
            "--tlscacert",
            "--tlscert",
            "--tlskey");

    /** What only the bundle that listens needs to know, and the property it reads it from. */
    private static final Map<String, String> DOORS = Map.of(
            "--group", "wharf.socket.group",
            "--socket-mode", "wharf.socket.mode",
            "--tls", "wharf.tls",
            "--tlsverify", "wharf.tls.verify",
            "--tlscacert", "wharf.tls.cacert",
            "--tlscert", "wharf.tls.cert",
            "--tlskey", "wharf.tls.key",
            "--insecure-tcp", "wharf.tcp.insecure");

    private static final Pattern MODE = Pattern.compile("0?[0-7]{3}");

    Options {
        hosts = List.copyOf(hosts);
        addressPools = List.copyOf(addressPools);
        doors = Map.copyOf(doors);
    }

    /** Where this Wharf is installed: the folder that holds {@code bin}, {@code lib} and {@code bundles}. */
    static Path home() {
        return Path.of(System.getProperty("wharf.home", ".")).toAbsolutePath().normalize();
    }

    static Options parse(String... words) throws Misuse {
        Map<String, String> values = new HashMap<>();
        List<String> hosts = new ArrayList<>();
        List<String> pools = new ArrayList<>();
        for (int i = 0; i < words.length; i++) {
            String word = words[i];
            int equals = word.startsWith("--") ? word.indexOf('=') : -1;
            String name = longName(equals < 0 ? word : word.substring(0, equals));
            switch (name) {
                // The first of these wins at once: who asks for help gets it, whatever else is on the line.
                case "--help" -> {
                    return of(Wish.HELP, Map.of(), List.of(), List.of());
                }
                case "--version" -> {
                    return of(Wish.VERSION, Map.of(), List.of(), List.of());
                }
                case "--tls", "--tlsverify", "--insecure-tcp" -> {
                    String value = equals < 0 ? "true" : word.substring(equals + 1);
                    if (!value.equals("true") && !value.equals("false")) {
                        throw new Misuse(name + " takes true or false, or nothing at all");
                    }
                    values.put(name, value);
                }
                default -> {
                    if (!VALUED.contains(name)) {
                        throw new Misuse(
                                name.startsWith("-") ? "unknown option " + name : "unexpected argument " + word);
                    }
                    if (equals < 0 && i + 1 == words.length) throw new Misuse(name + " needs a value");
                    String value = equals < 0 ? words[++i] : word.substring(equals + 1);
                    if (value.isBlank()) throw new Misuse(name + " needs a value");
                    if (name.equals("--host")) {
                        hosts.add(value);
                    } else if (name.equals("--default-address-pool")) {
                        pools.add(addressPool(name, value));
                    } else if (values.put(name, value) != null) {
                        throw new Misuse(name + " is given twice");
                    }
                }
            }
        }
        return of(Wish.SERVE, values, hosts, pools);
    }

    private static String longName(String name) {
        return switch (name) {
            case "-h" -> "--help";
            case "-v" -> "--version";
            case "-H" -> "--host";
            case "-p" -> "--pidfile";
            case "-b" -> "--bridge";
            case "-G" -> "--group";
            default -> name;
        };
    }

    private static Options of(Wish wish, Map<String, String> values, List<String> hosts, List<String> pools)
            throws Misuse {
        Path execRoot = directory(values, "--exec-root", Path.of("/run/wharf"));
        List<String> addresses = new ArrayList<>();
        for (String host : hosts.isEmpty() ? List.of("unix:///run/wharf/wharf.sock") : hosts) {
            addresses.add(host(host));
        }
        return new Options(
                wish,
                directory(values, "--data-root", Path.of("/var/lib/wharf")),
                execRoot,
                addresses,
                directory(values, "--pidfile", execRoot.resolve("wharfd.pid")),
                directory(values, "--config-dir", home().resolve("etc")),
                directory(values, "--plugins-dir", home().resolve("plugins")),
                values.containsKey("--log-level")
                        ? Optional.of(logLevel("--log-level", values.get("--log-level")))
                        : Optional.empty(),
                bridge(values.getOrDefault("--bridge", "wharf0")),
                bip(values),
                pools,
                doors(values));
    }

    private static Map<String, String> doors(Map<String, String> values) throws Misuse {
        String mode = values.getOrDefault("--socket-mode", "660");
        if (!MODE.matcher(mode).matches()) {
            throw new Misuse("--socket-mode " + mode + ": expected three octal digits such as 660");
        }
        Map<String, String> doors = new HashMap<>();
        values.forEach((name, value) -> {
            if (DOORS.containsKey(name)) {
                doors.put(DOORS.get(name), value);
            }
        });
        return doors;
    }

    private static Path directory(Map<String, String> values, String name, Path byDefault) throws Misuse {
        String value = values.get(name);
        if (value == null) return byDefault;
        // These characters separate things in mount options and in lists of folders, so no path of ours has them.
        if (value.indexOf(',') >= 0 || value.indexOf(':') >= 0) {
            throw new Misuse(name + " " + value + ": a path with a comma or a colon cannot be mounted");
        }
        return Path.of(value).toAbsolutePath().normalize();
    }

    private static String host(String value) throws Misuse {
        boolean unix = value.startsWith("unix:///") && !value.endsWith("/");
        if (value.equals("fd://")) return value;
        if (!unix && !value.startsWith("tcp://")) {
            throw new Misuse("--host " + value
                    + ": expected a socket such as unix:///run/wharf/wharf.sock, a port such as tcp://10.0.0.5:2376,"
                    + " or fd:// for sockets that systemd passes");
        }
        if (value.indexOf(',') >= 0) {
            throw new Misuse("--host " + value + ": repeat --host for each socket, and use no commas");
        }
        String path = value.substring(value.indexOf("://") + 3);
        if (unix && path.getBytes(StandardCharsets.UTF_8).length > SOCKET_PATH_BYTES) {
            throw new Misuse("--host " + value + ": a socket's path has at most " + SOCKET_PATH_BYTES + " bytes");
        }
        return value;
    }

    static Level logLevel(String where, String value) throws Misuse {
        for (Level level : Level.values()) {
            if (word(level).equals(value)) return level;
        }
        throw new Misuse(where + " " + value + ": expected error, warn, info, debug or trace");
    }

    static String word(Level level) {
        return level.name().toLowerCase(Locale.ROOT);
    }

    private static String bridge(String value) throws Misuse {
        if (value.length() > DEVICE_NAME_BYTES || !DEVICE_NAME.matcher(value).matches()) {
            throw new Misuse("--bridge " + value + ": a device name has at most " + DEVICE_NAME_BYTES
                    + " letters, digits, dots, dashes and underscores");
        }
        return value;
    }

    private static Optional<String> bip(Map<String, String> values) throws Misuse {
        String value = values.get("--bip");
        if (value == null) return Optional.empty();
        var cidr = CIDR.matcher(value);
        if (!cidr.matches() || Integer.parseInt(cidr.group(5)) > NARROWEST_PREFIX || bits(value) != 32) {
            throw new Misuse("--bip " + value
                    + ": expected the bridge's own address and its network's prefix, such as 10.88.0.1/16");
        }
        return Optional.of(value);
    }

    /** One pool of addresses, in the words of its option; {@code where} it stands is for the complaint. */
    static String addressPool(String where, String value) throws Misuse {
        var pool = POOL.matcher(value);
        int bits = pool.matches() ? bits(pool.group(1)) : 0;
        int prefix = bits == 0 ? 0 : Integer.parseInt(pool.group(2));
        int size = bits == 0 ? 0 : Integer.parseInt(pool.group(3));
        // Of IPv6, too, a subnet has an address for the network's device and one for a container at least.
        if (bits == 0 || prefix > size || size > bits - (32 - NARROWEST_PREFIX)) {
            throw new Misuse(where + " " + value
                    + ": expected a block of addresses and the prefix of the subnets to take from it, such as"
                    + " base=10.10.0.0/16,size=24");
        }
        return value;
    }

    /** Refuses what is no address, and two of one family. */
    static void hostGateway(String value) throws Misuse {
        List<Integer> families = new ArrayList<>();
        for (String address : value.strip().split("[,\\s]+")) {
            int bits = address.indexOf('/') < 0 ? bits(address) : 0;
            if (!address.isEmpty() && (bits == 0 || families.contains(bits))) {
                throw new Misuse(HOST_GATEWAY + " = " + value
                        + ": expected an address of IPv4, of IPv6, or one of each, such as 192.0.2.10, 2001:db8::10");
            }
            families.add(bits);
        }
    }

    /** 32 or 128 for an address of IPv4 or IPv6, with or without a prefix, and 0 for anything else. */
    private static int bits(String cidr) {
        String address = cidr.replaceFirst("/.*", "");
        if (address.indexOf(':') < 0) {
            String[] octets = address.split("\\.", -1);
            boolean sound = octets.length == 4;
            for (String octet : octets) {
                sound &= octet.matches("\\d{1,3}") && Integer.parseInt(octet) <= 255;
            }
            return sound ? 32 : 0;
        }
        try {
            // What has a colon in it is never looked up as a name.
            return InetAddress.getByName(address) instanceof Inet6Address ? 128 : 0;
        } catch (UnknownHostException e) {
            return 0;
        }
    }

    /** These options as the framework properties that bundles read with {@code BundleContext.getProperty}. */
    Map<String, String> properties() {
        Map<String, String> properties = new HashMap<>();
        properties.put("wharf.version", Texts.version());
        properties.put("wharf.home", home().toString());
        properties.put("wharf.data.root", dataRoot.toString());
        properties.put("wharf.exec.root", execRoot.toString());
        properties.put("wharf.hosts", String.join(",", hosts));
        properties.put("wharf.pidfile", pidFile.toString());
        properties.put("wharf.config.dir", configDir.toString());
        properties.put("wharf.plugins.dir", pluginsDir.toString());
        logLevel.ifPresent(level -> properties.put("wharf.log.level", word(level)));
        properties.put("wharf.bridge.name", bridge);
        bip.ifPresent(cidr -> properties.put("wharf.bridge.bip", cidr));
        if (!addressPools.isEmpty()) {
            properties.put(ADDRESS_POOLS, String.join(";", addressPools));
        }
        properties.putAll(doors);
        return properties;
    }
}
