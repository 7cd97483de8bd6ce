package dev.wharf.linux.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.process.SpareMemory.Range;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SpareMemoryTest {
    private static List<String> mapping(String head, int resident, int anonymous) {
        return List.of(
                head,
                "Size:               8192 kB",
                "Rss:                " + resident + " kB",
                "Anonymous:          " + anonymous + " kB",
                "VmFlags: rd mr mw me");
    }

    @Test
    void whatWasNeverWrittenToIsInItsFile() {
        String head = "7f0000001000-7f0000801000 r-xp 00001000 fe:00 42     /usr/lib/libjvm.so";
        assertThat(SpareMemory.unmodified(mapping(head, 4096, 0)))
                .containsExactly(new Range(0x7f0000001000L, 0x800000));
    }

    @Test
    void whatWasRelocatedBeforeItWasProtectedStays() {
        String head = "7f0000001000-7f0000801000 r--p 00001000 fe:00 42     /usr/lib/libjvm.so";
        assertThat(SpareMemory.unmodified(mapping(head, 4096, 4))).isEmpty();
    }

    @Test
    void whatMayBeWrittenToOrIsNoFileOrIsSmallStays() {
        String writable = "800000000-800800000 rw-p 00001000 fe:00 42       /usr/lib/classes.jsa";
        String shared = "800000000-800800000 r--s 00001000 fe:00 42         /usr/lib/modules";
        String anonymous = "800000000-800800000 r--p 00000000 00:00 0 ";
        String kernel = "7ffc1000-7ffc9000 r-xp 00000000 00:00 0            [vdso]";
        for (String head : List.of(writable, shared, anonymous, kernel)) {
            assertThat(SpareMemory.unmodified(mapping(head, 4096, 0))).as(head).isEmpty();
        }
        String small = "800000000-800800000 r--p 00001000 fe:00 42         /usr/lib/classes.jsa";
        assertThat(SpareMemory.unmodified(mapping(small, 1000, 0))).isEmpty();
    }

    @Test
    void thisProcessGoesOnWithoutWhatItGaveBack() throws Exception {
        SpareMemory spare = new SpareMemory(LibC.get());
        for (int round = 0; round < 3; round++) {
            spare.giveBack();
            assertThat(Files.readAllLines(Path.of("/proc/self/smaps"))).isNotEmpty();
        }
    }

    @Test
    void itIsWorthThePauseOnceTheProcessHasGrown() {
        SpareMemory spare = new SpareMemory(LibC.get());
        assertThat(spare.isWorth()).isTrue();
        spare.giveBack();
        assertThat(spare.isWorth()).isFalse();

        ByteBuffer grown = ByteBuffer.allocateDirect(32 << 20);
        for (int at = 0; at < grown.capacity(); at += 4096) {
            grown.put(at, (byte) 1);
        }
        assertThat(spare.isWorth()).isTrue();
    }
}
