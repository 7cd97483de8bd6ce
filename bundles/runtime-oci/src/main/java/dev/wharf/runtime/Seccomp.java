package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns a seccomp profile in Docker's form, whose rules depend on architecture, kernel and capabilities, into one for an OCI
 * runtime, where everything is decided (OCI runtime spec, config-linux, seccomp).
 */
final class Seccomp {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The architecture of this JVM in the words of profiles, and in those of libseccomp. */
    private static final Map<String, String> ARCHITECTURES = Map.of(
            "amd64", "SCMP_ARCH_X86_64",
            "arm64", "SCMP_ARCH_AARCH64",
            "riscv64", "SCMP_ARCH_RISCV64",
            "s390x", "SCMP_ARCH_S390X",
            "ppc64le", "SCMP_ARCH_PPC64LE");

    private final JsonNode usual;
    private final String architecture;
    private final int[] kernel;
    /** What the usual profile is with the capabilities that were asked for last: mostly the same as the next. */
    private volatile Optional<Decided> last = Optional.empty();

    private record Decided(List<String> capabilities, ObjectNode profile) {}

    /** Profiles for an architecture such as {@code amd64} and a kernel release such as {@code 6.1.0-13-amd64}. */
    Seccomp(String architecture, String kernelRelease) {
        this.architecture = architecture;
        this.kernel = version(kernelRelease);
        try (InputStream data = Seccomp.class.getResourceAsStream("seccomp-default.json")) {
            if (data == null) {
                throw new IllegalStateException("seccomp-default.json is not in this bundle");
            }
            this.usual = JSON.readTree(data);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Profiles for this host. */
    static Seccomp ofThisHost() {
        String arch = System.getProperty("os.arch", "amd64");
        return new Seccomp(arch.equals("aarch64") ? "arm64" : arch, System.getProperty("os.version", "0.0"));
    }

    /**
     * The profile that {@code wanted} stands for: {@code default} or nothing, {@code unconfined}, or a profile's JSON text;
     * empty where there is none. The same answer may be given again, so nobody changes it.
     */
    Optional<ObjectNode> profile(String wanted, Collection<String> capabilities) throws DriverException {
        return switch (wanted) {
            case "unconfined" -> Optional.empty();
            case "", "default", "builtin" -> Optional.of(usual(List.copyOf(capabilities)));
            default -> Optional.of(decide(parse(wanted), capabilities));
        };
    }

    private ObjectNode usual(List<String> capabilities) throws DriverException {
        Optional<ObjectNode> known =
                last.filter(l -> l.capabilities().equals(capabilities)).map(Decided::profile);
        if (known.isPresent()) {
            return known.get();
        }
        ObjectNode decided = decide(usual, capabilities);
        last = Optional.of(new Decided(capabilities, decided));
        return decided;
    }

    private static JsonNode parse(String text) throws DriverException {
        try {
            JsonNode node = JSON.readTree(text);
            if (!node.isObject() || node.path("defaultAction").asText("").isEmpty()) {
                throw failure(Kind.INVALID, "seccomp profile has no defaultAction");
            }
            return node;
        } catch (JsonProcessingException e) {
            throw failure(Kind.INVALID, "decoding seccomp profile failed: " + e.getOriginalMessage(), e);
        }
    }

    private ObjectNode decide(JsonNode profile, Collection<String> capabilities) throws DriverException {
        ObjectNode decided = JSON.createObjectNode();
        decided.set("defaultAction", profile.get("defaultAction"));
        if (profile.path("defaultErrnoRet").isInt()) {
            decided.set("defaultErrnoRet", profile.get("defaultErrnoRet"));
        }
        decided.set("architectures", architectures(profile));
        for (String name : new String[] {"flags", "listenerPath", "listenerMetadata"}) {
            if (profile.hasNonNull(name)) {
                decided.set(name, profile.get(name));
            }
        }
        ArrayNode rules = decided.putArray("syscalls");
        for (JsonNode rule : profile.path("syscalls")) {
            if (holds(rule, capabilities)) {
                rules.add(plain(rule));
            }
        }
        return decided;
    }

    private JsonNode architectures(JsonNode profile) throws DriverException {
        if (profile.path("architectures").size() > 0) {
            if (profile.path("archMap").size() > 0) {
                throw failure(Kind.INVALID, "seccomp profile uses both architectures and archMap; one of them only");
            }
            return profile.get("architectures");
        }
        ArrayNode all = JSON.createArrayNode();
        String mine = ARCHITECTURES.getOrDefault(architecture, "");
        for (JsonNode entry : profile.path("archMap")) {
            if (entry.path("architecture").asText().equals(mine)) {
                all.add(mine);
                entry.path("subArchitectures").forEach(all::add);
            }
        }
        return all;
    }

    private boolean holds(JsonNode rule, Collection<String> capabilities) {
        JsonNode includes = rule.path("includes");
        JsonNode excludes = rule.path("excludes");
        if (contains(excludes.path("arches"), architecture)) {
            return false;
        }
        for (JsonNode capability : excludes.path("caps")) {
            if (capabilities.contains(capability.asText())) {
                return false;
            }
        }
        if (excludes.hasNonNull("minKernel")
                && isAtLeast(excludes.get("minKernel").asText())) {
            return false;
        }
        if (includes.path("arches").size() > 0 && !contains(includes.path("arches"), architecture)) {
            return false;
        }
        for (JsonNode capability : includes.path("caps")) {
            if (!capabilities.contains(capability.asText())) {
                return false;
            }
        }
        return !includes.hasNonNull("minKernel")
                || isAtLeast(includes.get("minKernel").asText());
    }

    private static boolean contains(JsonNode array, String word) {
        for (JsonNode element : array) {
            if (element.asText().equals(word)) {
                return true;
            }
        }
        return false;
    }

    private boolean isAtLeast(String release) {
        int[] wanted = version(release);
        return kernel[0] != wanted[0] ? kernel[0] > wanted[0] : kernel[1] >= wanted[1];
    }

    private static int[] version(String release) {
        String[] parts = release.split("[^0-9]+");
        int major = parts.length > 0 && !parts[0].isEmpty() ? Integer.parseInt(parts[0]) : 0;
        int minor = parts.length > 1 && !parts[1].isEmpty() ? Integer.parseInt(parts[1]) : 0;
        return new int[] {major, minor};
    }

    private static ObjectNode plain(JsonNode rule) {
        ObjectNode plain = JSON.createObjectNode();
        ArrayNode names = plain.putArray("names");
        if (rule.hasNonNull("name")) {
            names.add(rule.get("name"));
        }
        rule.path("names").forEach(names::add);
        plain.set("action", rule.get("action"));
        if (rule.path("errnoRet").isInt()) {
            plain.set("errnoRet", rule.get("errnoRet"));
        }
        if (rule.path("args").size() > 0) {
            ArrayNode args = plain.putArray("args");
            for (JsonNode arg : rule.path("args")) {
                ObjectNode copy = args.addObject();
                for (String name : new String[] {"index", "value", "valueTwo", "op"}) {
                    if (arg.hasNonNull(name)) {
                        copy.set(name, arg.get(name));
                    }
                }
            }
        }
        return plain;
    }
}
