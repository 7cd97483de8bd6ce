package dev.wharf.spi.kernel;

import dev.wharf.model.ContainerId;
import java.util.regex.Pattern;

/** Names a sandbox: {@code <container>-<generation>}, new for every start, so no sandbox meets its own remains. */
public record SandboxKey(String value) {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}-[0-9]+");

    public SandboxKey {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid sandbox key \"" + value + "\"");
        }
    }

    public static SandboxKey of(ContainerId container, int generation) {
        return new SandboxKey(container.value() + "-" + generation);
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
