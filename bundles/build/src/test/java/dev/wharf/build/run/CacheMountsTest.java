package dev.wharf.build.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheMountsTest {
    @TempDir
    private Path all;

    @Test
    void aPrivateFolderIsUsedByOneAtATimeAndThenAgain() throws IOException {
        Path first;
        try (CacheMounts one = new CacheMounts(all);
                CacheMounts other = new CacheMounts(all)) {
            first = one.own("id");
            assertThat(other.own("id")).isNotEqualTo(first);
        }
        try (CacheMounts next = new CacheMounts(all)) {
            assertThat(next.own("id")).isEqualTo(first);
        }
    }

    @Test
    void whoIsAloneStaysSoWhileOthersThatShareComeAndGo() throws Exception {
        CacheMounts alone = new CacheMounts(all);
        Path folder = alone.alone("id");
        assertThat(alone.alone("id")).isEqualTo(folder);
        try (CacheMounts sharing = new CacheMounts(all)) {
            assertThat(sharing.share("id")).isEqualTo(folder);
        }
        CompletableFuture<Path> waiting = CompletableFuture.supplyAsync(() -> {
            try (CacheMounts second = new CacheMounts(all)) {
                return second.alone("id");
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });

        assertThat(waiting.copy()
                        .completeOnTimeout(Path.of("none"), 200, TimeUnit.MILLISECONDS)
                        .get())
                .isEqualTo(Path.of("none"));
        alone.close();

        try (CacheMounts last = new CacheMounts(all)) {
            assertThat(last.alone("id")).isEqualTo(folder);
        }
        assertThat(waiting).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(folder);
    }

    @Test
    void whatIsKeptIsToldByItsIdAndOldByItsLastUse() throws IOException {
        Path folder;
        try (CacheMounts using = new CacheMounts(all)) {
            folder = using.share("the id");
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("f"), "12345");
            assertThat(CacheMounts.list(all)).singleElement().matches(CacheMounts.Kept::inUse);
        }

        assertThat(CacheMounts.list(all)).singleElement().satisfies(kept -> {
            assertThat(kept.id()).isEqualTo("the id");
            assertThat(kept.inUse()).isFalse();
            assertThat(kept.sizeBytes()).isEqualTo(5);
        });
        assertThat(CacheMounts.areOlder(all, Instant.now().minusSeconds(60))).isFalse();
        assertThat(CacheMounts.areOlder(all, Instant.now().plusSeconds(60))).isTrue();
    }
}
