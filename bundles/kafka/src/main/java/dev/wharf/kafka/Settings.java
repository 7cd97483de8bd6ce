package dev.wharf.kafka;

import dev.wharf.spi.network.Peer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What the operator said, checked. Secrets are not in here, only the files that hold them. Kafka's own settings cannot be passed
 * through: among them are some that load classes, read files and fetch addresses.
 */
record Settings(
        String brokers,
        String prefix,
        boolean createTopics,
        int partitions,
        short replication,
        boolean structured,
        boolean environmentValues,
        String compression,
        long outboxLimitBytes,
        int transactionEvents,
        boolean commands,
        String allow,
        Optional<Path> keys,
        Membership membership,
        Security security) {

    private static final Pattern BROKERS = Pattern.compile(
            "(\\[[0-9a-fA-F:]+]|[A-Za-z0-9._-]+):[0-9]{1,5}(,(\\[[0-9a-fA-F:]+]|[A-Za-z0-9._-]+):[0-9]{1,5})*");
    private static final Pattern PREFIX = Pattern.compile("[a-zA-Z0-9-]+(\\.[a-zA-Z0-9-]+)*");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}");
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]{7,15}|[0-9a-fA-F:]{2,39}");
    private static final Set<String> PROTOCOLS = Set.of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL");
    private static final Set<String> MECHANISMS = Set.of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER");

    /**
     * What the host is among others.
     *
     * @param desired whether documents of desired state are followed
     * @param name empty for the machine's own
     * @param overlay as what it is known to hosts that share networks
     */
    record Membership(boolean desired, String name, Map<String, String> labels, Optional<Peer> overlay) {}

    /** How the brokers are sure of us and we of them. */
    record Security(
            String protocol,
            Optional<Path> authorities,
            Optional<Path> certificate,
            Optional<Path> certificatePassword,
            boolean checkNames,
            String mechanism,
            String user,
            Optional<Path> password,
            String tokenUrl,
            String client,
            Optional<Path> clientSecret,
            String scope) {
        boolean isSasl() {
            return protocol.startsWith("SASL_");
        }
    }

    /** Whether there is anything to do. */
    boolean isOn() {
        return !brokers.isEmpty();
    }

    String topic(String name) {
        return prefix + "." + name;
    }

    /** Reads the settings as Config Admin has them: text or values. */
    static Settings of(Map<String, ?> given) {
        Reading in = new Reading(given);
        String brokers = in.text("bootstrap.servers", "").replace(" ", "");
        if (!brokers.isEmpty() && !BROKERS.matcher(brokers).matches()) {
            throw new IllegalArgumentException(
                    "bootstrap.servers is not host:port, separated by commas: \"" + brokers + "\"");
        }
        String prefix = in.text("topics.prefix", "wharf");
        if (!PREFIX.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "topics.prefix may have letters, digits, - and dots between them: \"" + prefix + "\"");
        }
        Security security = new Security(
                in.choice("security.protocol", PROTOCOLS, "PLAINTEXT"),
                in.file("tls.authorities.file"),
                in.file("tls.certificate.file"),
                in.file("tls.password.file"),
                in.choice("tls.names", Set.of("true", "false"), "true").equals("true"),
                in.choice("sasl.mechanism", MECHANISMS, "SCRAM-SHA-512"),
                in.text("sasl.user", ""),
                in.file("sasl.password.file"),
                in.text("oauth.token.url", ""),
                in.text("oauth.client", ""),
                in.file("oauth.secret.file"),
                in.text("oauth.scope", ""));
        Settings settings = new Settings(
                brokers,
                prefix,
                in.choice("topics.create", Set.of("true", "false"), "true").equals("true"),
                (int) in.number("topics.partitions", 6, 1, 10_000),
                (short) in.number("topics.replication", -1, -1, 100),
                in.choice("format", Set.of("binary", "structured"), "binary").equals("structured"),
                in.choice("environment", Set.of("names", "values"), "names").equals("values"),
                in.choice("compression", Set.of("none", "gzip", "zstd"), "none"),
                in.number("outbox.limit.mib", 4096, 1, Long.MAX_VALUE >> 20) << 20,
                (int) in.number("transaction.events", 50_000, 1, 100_000),
                in.choice("commands", Set.of("true", "false"), "false").equals("true"),
                in.text("commands.allow", ""),
                in.file("commands.keys"),
                in.membership(),
                security);
        if (settings.isOn() && security.isSasl()) {
            boolean oauth = security.mechanism().equals("OAUTHBEARER");
            in.need(oauth, "oauth.token.url", "oauth.client", "oauth.secret.file");
            in.need(!oauth, "sasl.user", "sasl.password.file");
        }
        in.refuseOthers();
        // Says what is wrong with it, if anything is.
        new Permissions(settings.allow(), settings.keys());
        return settings;
    }

    /** Takes settings out of what was given, and remembers which. */
    private static final class Reading {
        /** What Config Admin, Declarative Services and File Install add of their own. */
        private static final Pattern FOREIGN = Pattern.compile("(service|component|felix|osgi)\\..*|objectClass|\\..*");

        private final Map<String, ?> given;
        private final Set<String> known = new TreeSet<>();

        Reading(Map<String, ?> given) {
            this.given = given;
        }

        String text(String key, String otherwise) {
            known.add(key);
            Object value = given.get(key);
            String text = value == null ? "" : value.toString().strip();
            return text.isEmpty() ? otherwise : text;
        }

        Membership membership() {
            boolean desired =
                    choice("desired", Set.of("true", "false"), "false").equals("true");
            String name = text("host.name", "");
            if (!name.isEmpty() && !NAME.matcher(name).matches()) {
                throw new IllegalArgumentException("host.name must match " + NAME + ", not \"" + name + "\"");
            }
            Map<String, String> labels = new TreeMap<>();
            for (String one : text("host.labels", "").split(",")) {
                if (one.isBlank()) {
                    continue;
                }
                String[] parts = one.strip().split("=", 2);
                if (parts.length < 2 || !NAME.matcher(parts[0].strip()).matches()) {
                    throw new IllegalArgumentException(
                            "host.labels must be name=value, separated by commas, not \"" + one + "\"");
                }
                labels.put(parts[0].strip(), parts[1].strip());
            }
            String address = text("overlay.address", "");
            long number = number("overlay.number", -1, -1, 65_535);
            if (address.isEmpty() == number >= 0) {
                throw new IllegalArgumentException(
                        "overlay.number and overlay.address belong together: give both, or none");
            }
            if (!address.isEmpty() && !ADDRESS.matcher(address).matches()) {
                throw new IllegalArgumentException("overlay.address must be an address, not \"" + address + "\"");
            }
            return new Membership(
                    desired,
                    name,
                    labels,
                    address.isEmpty()
                            ? Optional.empty()
                            : Optional.of(new Peer((int) number, name.isEmpty() ? address : name, address)));
        }

        Optional<Path> file(String key) {
            String text = text(key, "");
            return text.isEmpty() ? Optional.empty() : Optional.of(Path.of(text));
        }

        String choice(String key, Set<String> choices, String otherwise) {
            String text = text(key, otherwise);
            return choices.stream()
                    .filter(text::equalsIgnoreCase)
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            key + " must be one of " + new TreeSet<>(choices) + ", not \"" + text + "\""));
        }

        long number(String key, long otherwise, long least, long most) {
            String text = text(key, Long.toString(otherwise));
            try {
                long number = Long.parseLong(text);
                if (number >= least && number <= most) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // Said below.
            }
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT, "%s must be a number from %d to %d, not \"%s\"", key, least, most, text));
        }

        void need(boolean needed, String... keys) {
            for (String key : keys) {
                if (needed && text(key, "").isEmpty()) {
                    throw new IllegalArgumentException(
                            key + " is needed with this security.protocol and sasl.mechanism");
                }
            }
        }

        void refuseOthers() {
            Set<String> others = new TreeSet<>(given.keySet());
            others.removeAll(known);
            others.removeIf(key -> FOREIGN.matcher(key).matches());
            if (!others.isEmpty()) {
                throw new IllegalArgumentException("there is no setting " + String.join(", ", others));
            }
        }
    }
}
