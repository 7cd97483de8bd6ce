package dev.wharf.log.codec.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogDirectoryTest {
    @TempDir
    Path directory;

    @Test
    void chronicleServesWhereNothingIsSet() {
        assertThat(LogKind.chosen("")).contains(LogKind.CHRONICLE);
        assertThat(LogKind.chosen(" file ")).contains(LogKind.FILE);
        assertThat(LogKind.chosen("chronicle")).contains(LogKind.CHRONICLE);
        assertThat(LogKind.chosen("File")).isEmpty();
    }

    @Test
    void aJournalOfAnotherKindIsRefusedWithAWordOnWhatToSet() throws IOException {
        begin(LogKind.CHRONICLE);

        assertThatThrownBy(() -> take(LogKind.FILE))
                .isInstanceOf(RecordLog.ForeignLog.class)
                .hasMessageContaining("is of kind chronicle")
                .hasMessageContaining("wharf.journal.kind=chronicle");
        take(LogKind.CHRONICLE).close();
    }

    @Test
    void recordsOfAnotherKindAreSeenWithoutTheNoteThatNamesIt() throws IOException {
        begin(LogKind.FILE);
        Files.writeString(directory.resolve("00000000000000000001.records"), "something");
        Files.writeString(directory.resolve("format"), "rotten");

        assertThatThrownBy(() -> take(LogKind.CHRONICLE))
                .isInstanceOf(RecordLog.ForeignLog.class)
                .hasMessageContaining("is of kind file");
        take(LogKind.FILE).close();
    }

    @Test
    void whatWasRefusedIsNotHeld() throws IOException {
        begin(LogKind.CHRONICLE);
        assertThatThrownBy(() -> take(LogKind.FILE)).isInstanceOf(IOException.class);

        LogDirectory held = take(LogKind.CHRONICLE);
        assertThatThrownBy(() -> take(LogKind.CHRONICLE)).hasMessageContaining("in use");
        held.close();
    }

    @Test
    void aFileThatWasLeftIsKnownAgainToTheBit() throws IOException {
        Path file = directory.resolve("newest");
        Files.write(file, new byte[100_000]);
        LogDirectory.LeftFile left = LogDirectory.LeftFile.of(Disk.REAL, file, 1, 70_000, 90_000);
        try (LogDirectory log = take(LogKind.CHRONICLE)) {
            log.closeCleanly(new LogDirectory.CleanClose(7, Envelope.genesis(), 2, Optional.of(left)));
        }

        LogDirectory.LeftFile found;
        try (LogDirectory log = take(LogKind.CHRONICLE)) {
            found = log.clean().flatMap(LogDirectory.CleanClose::newest).orElseThrow();
        }
        assertThat(found).isEqualTo(left);
        assertThat(found.fits(Disk.REAL, file)).isTrue();

        byte[] bytes = new byte[100_000];
        bytes[89_999] = 1;
        Files.write(file, bytes);
        assertThat(found.fits(Disk.REAL, file)).isFalse();
        bytes[89_999] = 0;
        bytes[90_000] = 1;
        Files.write(file, bytes);
        assertThat(found.fits(Disk.REAL, file)).isTrue();
        Files.write(file, new byte[80_000]);
        assertThat(found.fits(Disk.REAL, file)).isFalse();
    }

    private void begin(LogKind kind) throws IOException {
        try (LogDirectory log = take(kind)) {
            log.beginWriting(0);
        }
    }

    private LogDirectory take(LogKind kind) throws IOException {
        return LogDirectory.take(directory, Disk.REAL, kind, "test");
    }
}
