package dev.wharf.linux.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.linux.libc.LibC;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ShortTurnsTest {
    /** What the scheduler knows of the calling thread, in milliseconds among other things (proc(5)). */
    private static final Path SCHED = Path.of("/proc/thread-self/sched");

    @Test
    void theCallingThreadAloneGetsAShortSlice() throws Exception {
        assumeThat(SCHED).exists();
        assumeThat(slice()).as("a kernel that shows slices").isNotEmpty();
        String usual = slice();
        CompletableFuture<String> taken = new CompletableFuture<>();
        CompletableFuture<String> inherited = new CompletableFuture<>();

        Thread thread = new Thread(() -> {
            ShortTurns.take(LibC.get());
            tell(taken);
            new Thread(() -> tell(inherited)).start();
        });
        thread.start();

        assertThat(taken.get()).isNotEqualTo(usual);
        assertThat(inherited.get()).isEqualTo(usual);
        assertThat(slice()).isEqualTo(usual);
    }

    private static void tell(CompletableFuture<String> to) {
        try {
            to.complete(slice());
        } catch (java.io.IOException e) {
            to.completeExceptionally(e);
        }
    }

    private static String slice() throws java.io.IOException {
        return Files.readAllLines(SCHED).stream()
                .filter(line -> line.startsWith("se.slice"))
                .findFirst()
                .orElse("");
    }
}
