package dev.wharf.spi.kernel;

import dev.wharf.model.ContainerId;
import java.util.regex.Pattern;

/**
 * Names a sandbox: {@code <container>-<number>}. A container has one at a time and always under the same key, so that one whose
 * making was never heard of is found again, made sure or let go.
 */
public record SandboxKey(String value) {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}-[0-9]+");

    public SandboxKey {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid sandbox key \"" + value + "\"");
        }
    }

    /** The sandbox of a container. */
    public static SandboxKey of(ContainerId container) {
        return of(container, 1);
    }

    public static SandboxKey of(ContainerId container, int number) {
        return new SandboxKey(container.value() + "-" + number);
    }

    /** The container whose sandbox this is. */
    public ContainerId container() {
        return new ContainerId(value.substring(0, 64));
    }

    @Override
    public String toString() {
        return value;
    }
}
