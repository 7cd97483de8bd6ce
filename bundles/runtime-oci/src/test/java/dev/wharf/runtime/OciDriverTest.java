package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.testkit.runtime.OciRuntimeContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The promises of the runtime port, kept with one real OCI runtime. */
abstract class OciDriverTest extends OciRuntimeContract {
    private static Path shared;
    private static Path rootfs;

    protected Path base;
    private final String program;

    OciDriverTest(String program) {
        this.program = program;
    }

    @BeforeAll
    static void makeRootfs() throws IOException {
        shared = Files.createTempDirectory("wharf-runtime-");
        rootfs = Host.rootfs(shared.resolve("rootfs"));
    }

    @AfterAll
    static void removeRootfs() throws IOException {
        Host.FILES.removeTree(shared);
    }

    @Override
    protected void discard() throws IOException {
        Host.FILES.removeTree(base);
    }

    /** What an operator configured. */
    protected Map<String, String> settings() {
        Optional<Path> path = Programs.find(program);
        assumeTrue(path.isPresent(), () -> program + " is not installed");
        return Map.of("path", path.orElseThrow().toString());
    }

    @Override
    protected OciRuntime open() throws Exception {
        base = base == null ? Files.createTempDirectory("wharf-runtime-") : base;
        OciDriver driver = new OciDriver(
                Host.PROCESSES, Host.DESCRIPTORS, Host.FILES, base.resolve("exec"), base.resolve("data"), settings());
        assertThat(driver.probe().ready()).as(driver.probe().why()).isTrue();
        return driver;
    }

    @Override
    protected Path rootfs() {
        return rootfs;
    }

    @Override
    protected void stop(OciRuntime opened) {
        ((OciDriver) opened).close();
    }
}
