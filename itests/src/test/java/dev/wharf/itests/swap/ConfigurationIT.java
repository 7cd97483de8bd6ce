package dev.wharf.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The settings as the bundles that are shipped describe them: written down, and heeded by an agent. */
@Timeout(120)
class ConfigurationIT {
    private static final Path REFERENCE = Path.of("../dist/docs/configuration.md");
    private static final String REGISTRY = "dev.wharf.registry.distribution.cfg";

    @TempDir
    private Path folder;

    /** {@code -Dwharf.docs.write=true} writes it anew. */
    @Test
    void theReferenceSaysWhatTheBundlesDescribe() throws Exception {
        String made = reference();
        if (Boolean.getBoolean("wharf.docs.write")) {
            Files.writeString(REFERENCE, made);
        }

        assertThat(Files.readString(REFERENCE)).isEqualTo(made);
    }

    @Test
    void aWrongSettingIsRefusedWithTheReasonAndTheOneBeforeStays() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        Path file = home.resolve("etc").resolve(REGISTRY);
        Files.writeString(file, "insecure = one.example\ntimeout.idle = 45\n");
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            await(() -> daemon.curl("/info").out().contains("one.example"));

            Files.writeString(file, "insecure = two.example\ntimeout.idle = soon\ntimeot = 3\n");

            await(() -> daemon.curl("/info").out().contains("two.example"));
            assertThat(Files.readString(daemon.log()))
                    .contains("timeout.idle = soon: expected a whole number; 45 stays")
                    .contains("timeot: there is no such setting");
            assertThat(daemon.wharf("driver", "ls").outOrThrow()).containsPattern("registry +distribution .* ready");

            Files.writeString(file, "insecure = two.example\ntimeout.idle = 0\n");

            await(() -> Files.readString(daemon.log()).contains("timeout.idle = 0: "));
            Files.writeString(file, "insecure = http://three.example\n");
            await(() -> Files.readString(daemon.log()).contains("invalid insecure registry \"http://three.example\""));
            assertThat(daemon.curl("/info").out()).contains("two.example");
            Files.writeString(file, "insecure = two.example\ninsecuré = x\n");
            await(() -> Files.readString(daemon.log()).contains("insecuré: there is no such setting"));
            Files.writeString(file, "insecure = two.example\nInsecure = four.example\n");
            await(() -> Files.readString(daemon.log())
                    .contains("it says insecure, and Insecure in line 2, which are one setting"));
            assertThat(daemon.curl("/info").out()).contains("two.example");
            assertThat(Files.readString(daemon.log())).doesNotContain("\tat ");
            Files.delete(file);
            await(() -> !daemon.curl("/info").out().contains("two.example"));
        }
    }

    @Test
    void whatMakesNoSenseIsToldOfInALineAndMendedLive() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        Path traces = home.resolve("etc/dev.wharf.telemetry.cfg");
        Path beans = home.resolve("etc/dev.wharf.jolokia.cfg");
        Files.writeString(traces, "ratio = 2\nendpoint = nowhere\n");
        Files.writeString(beans, "readers = /nonexistent\nport = 0\n");
        Files.writeString(
                home.resolve("etc/wharfd.conf"), "wharf.storage = nowhere\nwharf.metric.address = 127.0.0.1:1\n");
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            await(() -> Files.readString(daemon.log()).contains("nothing is traced reason=endpoint = nowhere"));
            await(() -> Files.readString(daemon.log()).contains("MXBeans are not served reason="));
            await(() -> Files.readString(daemon.log()).contains("does not serve wharf.storage=nowhere"));
            assertThat(Files.readString(daemon.log()))
                    .contains("ratio = 2: expected at most 1")
                    .contains("there is no such setting file=wharfd.conf key=wharf.metric.address");

            Files.writeString(traces, "endpoint = http://127.0.0.1:1/v1/traces\n");
            Files.writeString(
                    beans, "readers = " + Files.writeString(folder.resolve("anna"), "secret") + "\nport = 0\n");
            await(() -> Files.readString(daemon.log()).contains("commands are traced"));
            await(() -> Files.readString(daemon.log()).contains("MXBeans are served"));
            Files.delete(traces);
            Files.writeString(beans, "");
            await(() -> Files.readString(daemon.log()).contains("reason=nobody could come in"));
            assertThat(Files.readString(daemon.log())).doesNotContain("\tat ");
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) throw new AssertionError("not so within twenty seconds");
            Thread.sleep(100);
        }
    }

    private static String reference() throws Exception {
        Map<String, String> sections = new TreeMap<>();
        for (Path jar : jars()) {
            try (JarFile bundle = new JarFile(jar.toFile())) {
                for (JarEntry entry : bundle.stream()
                        .filter(e -> e.getName().matches("OSGI-INF/metatype/.*\\.xml"))
                        .toList()) {
                    try (InputStream in = bundle.getInputStream(entry)) {
                        describe(in, sections);
                    }
                }
            }
        }
        return """
                # Settings

                Made by a test from what the bundles that are shipped say of themselves. A file `NAME.cfg` in `etc` holds the
                settings of `NAME`, one `key = value` a line, and is read within a second of being written. A value of the wrong
                type, out of its bounds or not among its options is refused: the log says why, and the value before stays. When
                the file goes, the usual values are back. Files are UTF-8; a comment has a line of its own that begins with `#`,
                a line that ends with `\\` goes on in the next, and `${env:NAME}` stands for a variable of the agent's environment.
                What has to be known before settings can be read live stands in `wharfd.conf`, which `etc/README.md` explains; a
                plugin of your own adds its settings as `plugins.md` shows.

                """ + String.join("\n", sections.values());
    }

    private static List<Path> jars() throws IOException {
        try (Stream<Path> files = Files.walk(Daemon.distribution())) {
            return files.filter(f -> f.toString().matches(".*/(bundles|plugins)/.*\\.jar"))
                    .sorted()
                    .toList();
        }
    }

    private static void describe(InputStream in, Map<String, String> sections) throws Exception {
        Element root = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(in)
                .getDocumentElement();
        Element type = (Element) root.getElementsByTagName("OCD").item(0);
        Element designate = (Element) root.getElementsByTagName("Designate").item(0);
        if (designate == null || !designate.getAttribute("pid").startsWith("dev.wharf.")) return;
        StringBuilder text = new StringBuilder("## `" + designate.getAttribute("pid") + ".cfg`\n\n"
                + type.getAttribute("name") + ". " + type.getAttribute("description") + "\n\n"
                + "| Key | Type | Usually | Says |\n|---|---|---|---|\n");
        NodeList options = type.getElementsByTagName("AD");
        for (int i = 0; i < options.getLength(); i++) {
            Element option = (Element) options.item(i);
            text.append("| `")
                    .append(option.getAttribute("id"))
                    .append("` | ")
                    .append(kind(option))
                    .append(" | ")
                    .append(usually(option))
                    .append(" | ")
                    .append(option.getAttribute("description").replace("|", "\\|"))
                    .append(" |\n");
        }
        sections.put(designate.getAttribute("pid"), text.toString());
    }

    /** Metatype escapes what would divide a list of values; operators write none of that. */
    private static String usually(Element option) {
        String value = option.getAttribute("default").replaceAll("\\\\(.)", "$1");
        return value.isEmpty() ? "" : "`" + value + "`";
    }

    private static String kind(Element option) {
        NodeList allowed = option.getElementsByTagName("Option");
        if (allowed.getLength() > 0) {
            StringBuilder words = new StringBuilder();
            for (int i = 0; i < allowed.getLength(); i++) {
                words.append(i == 0 ? "" : ", ").append(((Element) allowed.item(i)).getAttribute("value"));
            }
            return words.toString();
        }
        String bounds = Stream.of("min", "max")
                .filter(b -> !option.getAttribute(b).isEmpty())
                .map(b -> b + " " + option.getAttribute(b))
                .reduce("", (a, b) -> a + ", " + b);
        return switch (option.getAttribute("type")) {
                    case "Integer", "Long", "Double" -> "number";
                    case "Boolean" -> "true or false";
                    case "Password" -> "secret";
                    default -> "text";
                }
                + bounds;
    }
}
