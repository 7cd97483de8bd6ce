package dev.wharf.testkit.network;

import dev.wharf.spi.kernel.Sandbox;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** The promises of {@link NetworkDriverContract}, for drivers that work on the kernel itself in a world of the test's own. */
public abstract class SandboxWorldContract extends NetworkDriverContract {
    /** The world of the test, made by {@link #prepare}. */
    protected abstract SandboxWorld world();

    /** The sandbox in it that plays the host. */
    protected abstract Sandbox host();

    @AfterEach
    final void closeWorld() throws Exception {
        world().close();
    }

    @Override
    protected final Sandbox sandbox(int number) throws Exception {
        return world().sandbox(number);
    }

    @Override
    protected final void inhabit(Sandbox sandbox) throws Exception {
        world().inhabit(sandbox);
    }

    @Override
    protected final List<String> devices(Sandbox sandbox) throws Exception {
        return world().run(sandbox, "ip", "-o", "link").stream()
                .map(line -> line.split(": ")[1].split("@")[0])
                .filter(name -> !name.equals("lo"))
                .toList();
    }

    @Override
    protected final AutoCloseable listen(int port) throws Exception {
        return world().in(host(), () -> new ServerSocket(port));
    }
}
