package dev.wharf.buildkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.build.run.News;
import dev.wharf.buildkit.wire.Control.StatusResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ProgressTest {
    private final Progress progress = new Progress("ref");

    private static final class Heard implements Progress.Listener {
        private final List<StatusResponse> all = new ArrayList<>();
        private boolean ended;

        @Override
        public void accept(StatusResponse status) {
            all.add(status);
        }

        @Override
        public void end() {
            ended = true;
        }

        private List<String> names() {
            return all.stream()
                    .flatMap(status -> status.getVertexesList().stream())
                    .map(vertex -> vertex.getName()
                            + (vertex.getCached() ? " cached" : "")
                            + (vertex.hasCompleted() ? " done" : "")
                            + vertex.getError())
                    .toList();
        }
    }

    private void plan() {
        progress.news(new News.Planned(
                4,
                List.of(
                        new News.Part("one", "busybox", 1, 1, List.of(1), Set.of()),
                        new News.Part("1", "one", 2, 3, List.of(2, 4), Set.of("one")))));
    }

    @Test
    void whoComesLateHearsAllFromTheBeginning() {
        plan();
        progress.news(new News.Begun(2, "1", "FROM one"));
        progress.news(new News.Begun(3, "1", "ENV a=b"));
        progress.news(new News.Done(3, false, Duration.ZERO, 0));
        progress.news(new News.Begun(4, "1", "RUN x"));
        progress.news(new News.Done(4, true, Duration.ZERO, 0));
        progress.end();
        Heard late = new Heard();

        progress.listen(late);

        assertThat(late.names())
                .containsExactly("[stage-1 1/2] FROM one", "[stage-1 2/2] RUN x", "[stage-1 2/2] RUN x cached done");
        assertThat(late.ended).isTrue();
    }

    @Test
    void theStepThatFailedSaysWhyAndOthersThatTheyWereGivenUp() {
        plan();
        Heard heard = new Heard();
        progress.listen(heard);
        progress.news(new News.Begun(1, "one", "FROM busybox"));
        progress.news(new News.Begun(3, "1", "ENV a=b"));
        progress.news(new News.Done(3, false, Duration.ZERO, 0));
        progress.news(new News.Begun(4, "1", "RUN x"));
        progress.news(new News.Failed(4, Duration.ZERO));
        progress.news(new News.Failed(1, Duration.ZERO));

        progress.failed("because");

        assertThat(heard.names()).endsWith("[one 1/1] FROM busybox donecanceled", "[stage-1 2/2] RUN x donebecause");
    }

    @Test
    void whoListensInTimeHearsMoreThanIsKept() {
        plan();
        progress.news(new News.Begun(4, "1", "RUN yes"));
        Heard heard = new Heard();
        progress.listen(heard);
        for (int i = 0; i < 100; i++) {
            progress.news(new News.Said(4, false, "y".repeat(100_000)));
        }
        Heard late = new Heard();
        progress.listen(late);

        assertThat(heard.all).hasSize(101);
        assertThat(late.all).hasSizeBetween(30, 60);
    }
}
