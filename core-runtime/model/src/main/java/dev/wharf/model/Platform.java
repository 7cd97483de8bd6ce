package dev.wharf.model;

import java.util.Map;
import java.util.Set;

/**
 * An operating system and processor, as in {@code linux/arm64/v8} (OCI image spec, image index).
 *
 * @param variant the processor's variant, or empty
 */
public record Platform(String os, String architecture, String variant) {
    public Platform {
        Checks.oneLine(os, "platform");
        Checks.oneLine(architecture, "platform");
        Checks.oneLine(variant, "platform");
    }

    /** The platform of this host. */
    public static Platform host() {
        return switch (System.getProperty("os.arch", "amd64")) {
            case "amd64", "x86_64" -> new Platform("linux", "amd64", "");
            case "aarch64", "arm64" -> new Platform("linux", "arm64", "v8");
            default -> new Platform("linux", System.getProperty("os.arch"), "");
        };
    }

    private static final Set<String> SYSTEMS =
            Set.of("linux", "windows", "darwin", "macos", "freebsd", "netbsd", "openbsd");

    private static final Map<String, String> NARROW = Map.of("amd64", "386", "arm64", "arm");

    private static final Set<String> PROCESSORS = Set.of(
            "amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64", "loong64", "mips64le", "mips64", "ppc64");

    /** Reads {@code os/arch[/variant]}; {@code os} stands for this host's processor, and {@code arch} for Linux. */
    public static Platform parse(String text) {
        String[] parts = text.split("/", -1);
        if (parts.length > 3) {
            throw new IllegalArgumentException("invalid platform \"" + text + "\": expected os/arch[/variant]");
        }
        for (String part : parts) {
            if (!part.matches("[A-Za-z0-9_-]+")) {
                throw new IllegalArgumentException("invalid platform \"" + text + "\": \"" + part + "\" is an invalid "
                        + (part.equals(parts[0]) ? "OS " : "") + "component; it takes letters, digits, - and _");
            }
        }
        if (parts.length == 1 && PROCESSORS.contains(text)) {
            return new Platform("linux", text, "");
        }
        if (parts.length == 1 && !SYSTEMS.contains(text)) {
            throw new IllegalArgumentException(
                    "invalid platform \"" + text + "\": unknown operating system or architecture");
        }
        return new Platform(
                parts[0], parts.length > 1 ? parts[1] : host().architecture(), parts.length > 2 ? parts[2] : "");
    }

    /** Whether an image of {@code offered} runs where this is asked for; an absent variant matches any. */
    public boolean accepts(Platform offered) {
        return os.equals(offered.os)
                && architecture.equals(offered.architecture)
                && (variant.isEmpty() || offered.variant.isEmpty() || variant.equals(offered.variant));
    }

    /** Whether a host of this platform runs images of {@code offered}: its own, and those of its processors' 32 bits. */
    public boolean runs(Platform offered) {
        String narrow = NARROW.getOrDefault(architecture, architecture);
        return os.equals(offered.os)
                && (architecture.equals(offered.architecture) || narrow.equals(offered.architecture));
    }

    @Override
    public String toString() {
        return os + "/" + architecture + (variant.isEmpty() ? "" : "/" + variant);
    }
}
