package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A network of the test's own that plays the host, and sandboxes beside it. */
final class World implements AutoCloseable {
    final LinuxNamespaces namespaces = new LinuxNamespaces();
    final LinuxKernel kernel;
    final Sandbox host;
    final HomeNetwork home;

    World(Path dir) throws Exception {
        kernel = new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces);
        host = sandbox(0);
        home = new HomeNetwork(namespaces, Optional.of(host.path()));
    }

    Sandbox sandbox(int number) throws Exception {
        return kernel.createSandbox(SandboxKey.of(new ContainerId("%064x".formatted(number)), 1));
    }

    List<String> run(Sandbox where, String... command) throws Exception {
        String[] all = new String[command.length + 2];
        all[0] = "nsenter";
        all[1] = "--net=" + where.path();
        System.arraycopy(command, 0, all, 2, command.length);
        Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
        List<String> lines =
                new String(process.getInputStream().readAllBytes()).lines().toList();
        assertThat(process.waitFor())
                .as("%s: %s", String.join(" ", command), lines)
                .isZero();
        return lines;
    }

    @Override
    public void close() throws Exception {
        for (Sandbox sandbox : kernel.sandboxes()) {
            kernel.removeSandbox(sandbox.key());
        }
    }
}
