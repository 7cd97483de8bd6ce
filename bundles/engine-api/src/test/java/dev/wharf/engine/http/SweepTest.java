package dev.wharf.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.engine.EngineApi;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class SweepTest {
    private static final List<Integer> THINGS = IntStream.range(0, 1000).boxed().toList();

    @TempDir
    Path directory;

    private final Workers workers = new Workers();
    private final BlockingQueue<Removal> begun = new LinkedBlockingQueue<>();
    private final CompletableFuture<List<String>> swept = new CompletableFuture<>();
    private Server server;
    private Path socket;

    private record Removal(int thing, CompletableFuture<String> end) {
        void ends() {
            // Every tenth is in use again.
            if (thing % 10 == 9) {
                end.completeExceptionally(new IllegalStateException("in use"));
            } else {
                end.complete("thing " + thing);
            }
        }
    }

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("wharf.sock");
        Router router = EngineApi.router(List.of());
        router.early(
                "POST",
                "/sweep",
                request -> Answer.later(Sweep.all(request, THINGS, this::begin).thenApply(removed -> {
                    swept.complete(removed);
                    return Answer.text(200, Integer.toString(removed.size()));
                })));
        server = Server.open(List.of(new Endpoint.Unix(socket)), router, new Door(), workers);
    }

    @AfterEach
    void close() {
        server.close();
        workers.close();
    }

    private CompletableFuture<String> begin(int thing) {
        Removal removal = new Removal(thing, new CompletableFuture<>());
        begun.add(removal);
        return removal.end();
    }

    private Removal next() throws InterruptedException {
        Removal removal = begun.poll(30, TimeUnit.SECONDS);
        assertThat(removal).as("a removal is begun").isNotNull();
        return removal;
    }

    @Test
    void manyThingsGoWithoutFillingTheBox() throws Exception {
        try (Line line = Line.to(socket)) {
            line.request("POST", "/sweep");
            for (int i = 0; i < THINGS.size(); i++) {
                Removal removal = next();
                assertThat(removal.thing()).isEqualTo(i);
                assertThat(begun.size()).isLessThan(64);
                removal.ends();
            }
            assertThat(line.reply().text()).isEqualTo("900");
        }
        assertThat(swept.join())
                .startsWith("thing 0", "thing 1")
                .doesNotContain("thing 9")
                .hasSize(900);
    }

    @Test
    void nothingMoreIsBegunForWhoWentAway() throws Exception {
        try (Line line = Line.to(socket)) {
            line.request("POST", "/sweep");
            next().ends();
        }
        // However many were begun before it was noticed, they end, and the others are left alone.
        while (!swept.isDone()) {
            Removal removal = begun.poll(10, TimeUnit.MILLISECONDS);
            if (removal != null) {
                Thread.sleep(5);
                removal.ends();
            }
        }
        assertThat(swept.join().size()).isBetween(1, 899);
    }
}
