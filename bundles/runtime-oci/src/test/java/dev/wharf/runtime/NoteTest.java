package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.InitProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NoteTest {
    private static final Note DRAFT = new Note(
            Path.of("/usr/bin/crun"),
            Path.of("/run/crun"),
            3,
            new InitProcess(0, 0, 0),
            0,
            true,
            false,
            true,
            "/wharf/x");

    private static final Note WHOLE = DRAFT.with(new InitProcess(17, 4711, 16), 4700);

    @TempDir
    private Path directory;

    @Test
    void thereIsNoneWhereNoneWasBegun() throws IOException {
        assertThat(Note.read(directory)).isEmpty();
    }

    @Test
    void theLastThatWasSaidHolds() throws IOException {
        DRAFT.begin(directory);
        assertThat(Note.read(directory)).contains(DRAFT);
        WHOLE.settle(directory);
        assertThat(Note.read(directory)).contains(WHOLE);
    }

    @Test
    void aProcessThatIsMadeAnewBeginsTheFileAnew() throws IOException {
        DRAFT.begin(directory);
        WHOLE.settle(directory);
        DRAFT.begin(directory);
        assertThat(Note.read(directory)).contains(DRAFT);
        assertThat(Files.readAllLines(file())).hasSize(1);
    }

    @Test
    void aLineThatWasCutShortWasNeverSaid() throws IOException {
        DRAFT.begin(directory);
        WHOLE.settle(directory);
        String text = Files.readString(file());
        for (int end = text.indexOf('\n') + 1; end < text.length(); end++) {
            Files.writeString(file(), text.substring(0, end));
            assertThat(Note.read(directory)).as("%d characters", end).contains(DRAFT);
        }
    }

    @Test
    void theNoteOfAnAgentOfBeforeIsOneLineWithoutAnEnd() throws IOException {
        WHOLE.begin(directory);
        Files.writeString(file(), Files.readString(file()).strip(), StandardOpenOption.TRUNCATE_EXISTING);
        assertThat(Note.read(directory)).contains(WHOLE);
    }

    private Path file() {
        return directory.resolve("process.note");
    }
}
