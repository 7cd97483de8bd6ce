package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RuntimeChoiceTest {
    @TempDir
    private Path dir;

    private Path crun;

    @BeforeEach
    void findCrun() {
        assumeTrue(Programs.find("crun").isPresent(), "crun is not installed");
        crun = Programs.find("crun").orElseThrow();
    }

    private RuntimeBinary chosen(Path program) throws IOException {
        RuntimeChoice choice = new RuntimeChoice(
                new Programs(Host.PROCESSES, Host.DESCRIPTORS),
                new Places(dir.resolve("exec"), dir.resolve("data")),
                Settings.of(Map.of("path", program.toString())));
        return choice.choose().runtime().orElseThrow();
    }

    @Test
    void aRuntimeThatTakesACompiledFilterShowsItAndIsRemembered() throws IOException {
        assertThat(chosen(crun).takesFilters()).isTrue();
        assertThat(Files.readString(dir.resolve("exec/oci/choice.json"))).contains("\"takesFilters\":true");
        assertThat(chosen(crun).takesFilters()).isTrue();
    }

    @Test
    void oneThatKnowsNothingOfCompiledFiltersIsGivenProfiles() throws IOException {
        Path old = Files.writeString(
                dir.resolve("crun"),
                String.join(
                        "\n",
                        "#!/bin/sh",
                        "for word in \"$@\"; do",
                        "  [ ! -f \"$word/config.json\" ] || sed -i s/run.oci.seccomp_bpf_data/of.a.later.day/ \"$word/config.json\"",
                        "done",
                        "exec " + crun + " \"$@\"",
                        ""));
        Files.setPosixFilePermissions(old, PosixFilePermissions.fromString("rwx------"));

        assertThat(chosen(old).takesFilters()).isFalse();
    }
}
