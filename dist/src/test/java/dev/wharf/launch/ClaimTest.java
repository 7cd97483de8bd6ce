package dev.wharf.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClaimTest {
    @TempDir
    private Path folder;

    /** Claims the folder in its argument and a pid file in there, says so, and holds them until its input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] words) throws Exception {
            Path folder = Path.of(words[0]);
            try (Claim claim = Claim.on(folder, "--data-root");
                    PidFile pid = PidFile.write(folder.resolve("pid"))) {
                System.out.println("held");
                System.in.read();
            }
        }
    }

    @Test
    void aRootBelongsToOneProcessAtATimeAndIsFreeWhenThatProcessDies() throws Exception {
        Process holder = hold();
        try {
            assertThatThrownBy(() -> Claim.on(folder, "--data-root"))
                    .isInstanceOf(CannotStart.class)
                    .hasMessage("another wharfd (pid " + holder.pid() + ") uses " + folder
                            + "; stop it or choose another --data-root");
        } finally {
            holder.destroyForcibly();
            assertThat(holder.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }

        Claim.on(folder, "--data-root").close();
    }

    @Test
    void fromWhatIsRootsAffairOthersAreKeptOutAndItsGroupIsNot() throws Exception {
        Path data = folder.resolve("new/data");
        Claim.alone(data, "--data-root").close();
        assertThat(Files.getPosixFilePermissions(data))
                .doesNotContainAnyElementsOf(PosixFilePermissions.fromString("------rwx"));

        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxr-x--x"));
        Claim.alone(data, "--data-root").close();
        assertThat(Files.getPosixFilePermissions(data)).isEqualTo(PosixFilePermissions.fromString("rwxr-x---"));
    }

    @Test
    void whoeverIsJustEndingIsWaitedFor() throws Exception {
        Process holder = hold();
        CompletableFuture.delayedExecutor(300, TimeUnit.MILLISECONDS).execute(holder::destroyForcibly);

        Claim.on(folder, "--data-root").close();
    }

    @Test
    void noOtherAgentWritesOverThePidFileOfALivingOne() throws Exception {
        Path file = folder.resolve("pid");
        Process holder = hold();
        try {
            assertThatThrownBy(() -> PidFile.write(file))
                    .isInstanceOf(CannotStart.class)
                    .hasMessage("another wharfd (pid " + holder.pid() + ") uses " + file
                            + "; stop it or choose another --pidfile");
            assertThat(file).hasContent(Long.toString(holder.pid()));
        } finally {
            holder.destroyForcibly();
            assertThat(holder.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }

        PidFile.write(file).close();
        assertThat(file).doesNotExist();
    }

    @Test
    void aRootThatIsAFileIsRefusedWithItsName() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> Claim.on(file, "--exec-root"))
                .hasMessage("cannot use " + file + " as --exec-root: it is a file, not a directory");
    }

    private Process hold() throws Exception {
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(holder.inputReader().readLine()).isEqualTo("held");
        return holder;
    }
}
