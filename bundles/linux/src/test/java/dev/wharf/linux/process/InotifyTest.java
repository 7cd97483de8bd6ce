package dev.wharf.linux.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.kernel.Processes.Watch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class InotifyTest {
    @TempDir
    Path directory;

    private final Epoll epoll = new Epoll();
    private final Inotify inotify = new Inotify(epoll);
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void ends() {
        inotify.close();
        epoll.close();
    }

    @Test
    void tellsOfWhatIsMadeAndOfWhatIsMovedThere() throws Exception {
        Path outside = Files.createDirectory(directory.resolve("outside"));
        Path watched = Files.createDirectory(directory.resolve("watched"));
        Files.createFile(outside.resolve("draft"));
        inotify.watch(watched, heard::add);

        Files.createFile(watched.resolve("mäde"));
        Files.move(outside.resolve("draft"), watched.resolve("moved"));

        assertThat(next()).isEqualTo("mäde");
        assertThat(next()).isEqualTo("moved");
    }

    @Test
    void saysNothingOfWhatIsOnlyWrittenTo() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        inotify.watch(directory, heard::add);

        Files.writeString(file, "text");
        Files.createFile(directory.resolve("later"));

        assertThat(next()).isEqualTo("later");
    }

    @Test
    void tellsAllWhoAskedForADirectoryUntilTheyHadEnough() throws Exception {
        Watch first = inotify.watch(directory, name -> heard.add("first " + name));
        Watch second = inotify.watch(directory, name -> heard.add("second " + name));

        Files.createFile(directory.resolve("a"));
        assertThat(next()).isEqualTo("first a");
        assertThat(next()).isEqualTo("second a");
        first.close();
        Files.createFile(directory.resolve("b"));
        assertThat(next()).isEqualTo("second b");
        second.close();
        Files.createFile(directory.resolve("c"));
        inotify.watch(directory, heard::add);
        Files.createFile(directory.resolve("d"));

        assertThat(next()).isEqualTo("d");
    }

    @Test
    void forgetsADirectoryThatIsRemoved() throws Exception {
        Path watched = Files.createDirectory(directory.resolve("watched"));
        inotify.watch(watched, heard::add);
        Files.delete(watched);
        Files.createDirectory(watched);
        inotify.watch(watched, name -> heard.add("new " + name));

        Files.createFile(watched.resolve("a"));

        assertThat(next()).isEqualTo("new a");
    }

    @Test
    void refusesWhatIsNoDirectory() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> inotify.watch(file, heard::add)).isInstanceOf(NotDirectoryException.class);
    }

    private String next() throws InterruptedException {
        return String.valueOf(heard.poll(10, TimeUnit.SECONDS));
    }
}
