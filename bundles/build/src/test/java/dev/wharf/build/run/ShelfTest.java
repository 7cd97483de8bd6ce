package dev.wharf.build.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.kernel.FileCalls;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShelfTest {
    private static final FileCalls FILES = (FileCalls) Proxy.newProxyInstance(
            FileCalls.class.getClassLoader(), new Class<?>[] {FileCalls.class}, (o, call, args) -> {
                if (call.getName().equals("renameDurably")) {
                    return Files.move((Path) args[0], (Path) args[1]) == null;
                }
                try (var tree = Files.walk((Path) args[0])) {
                    tree.sorted(java.util.Comparator.reverseOrder())
                            .forEach(path -> path.toFile().delete());
                }
                return null;
            });

    @TempDir
    private Path root;

    private Path all;

    @BeforeEach
    void folders() {
        all = root.resolve("all");
    }

    /** One build and its folder. */
    private final class One {
        private final Path own;
        private final Shelf shelf;

        One(String name, String boot) throws IOException {
            own = Files.createDirectories(root.resolve(name));
            shelf = new Shelf(all, own, boot);
        }

        private Path context() {
            return own.resolve("context");
        }

        private Shelf.Place take(String key) throws IOException {
            return shelf.take("context", key, context());
        }

        private void bring(Shelf.Place place, String content) throws IOException {
            Files.createDirectories(context());
            Files.writeString(context().resolve("file"), content);
            Files.writeString(place.after(), content);
            place.keep(1);
        }

        private void end() throws IOException {
            shelf.putBack(FILES);
        }
    }

    private void keep(String key, String content) throws IOException {
        One build = new One("build of " + key, "boot");
        build.bring(build.take(key), content);
        build.end();
    }

    @Test
    void whatOneBuildPutsBackTheNextTakesOff() throws IOException {
        keep("key", "first");
        One next = new One("next", "boot");
        One other = new One("other", "boot");

        Shelf.Place place = next.take("key");

        assertThat(next.context().resolve("file")).hasContent("first");
        assertThat(place.before()).hasContent("first");
        assertThat(other.take("key").before()).doesNotExist();
        assertThat(other.context()).doesNotExist();
        assertThat(CacheMounts.list(all)).isEmpty();
    }

    @Test
    void theFirstOfTwoThatComesBackStays() throws IOException {
        One one = new One("one", "boot");
        One other = new One("other", "boot");
        one.bring(one.take("key"), "one");
        other.bring(other.take("key"), "other");

        other.end();
        one.end();

        assertThat(new One("last", "boot").take("key").before()).hasContent("other");
    }

    @Test
    void whatIsNotWholeOrOfAnotherBootIsNotTrusted() throws IOException {
        keep("key", "kept");
        One other = new One("other boot", "later");
        assertThat(other.take("key").before()).doesNotExist();
        assertThat(other.context()).doesNotExist();
        keep("second", "kept");
        One half = new One("half", "boot");
        half.take("second");

        half.end();

        assertThat(CacheMounts.list(all)).isEmpty();
    }

    @Test
    void thoseThatWereUsedLongestAgoGo() throws IOException {
        for (int i = 0; i < 20; i++) {
            keep("key " + i, "kept");
        }
        Path oldest = CacheMounts.list(all).get(7).folder();
        Files.setLastModifiedTime(CacheMounts.note(oldest), FileTime.from(Instant.EPOCH));

        keep("one more", "kept");

        assertThat(CacheMounts.list(all))
                .hasSize(20)
                .noneMatch(kept -> kept.folder().equals(oldest));
    }
}
