package dev.wharf.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BuildViewTest {
    private static final List<String> RECORDS = List.of(
            "{\"plan\":{\"steps\":4,\"stages\":[{\"name\":\"a\",\"base\":\"x\",\"first\":1,\"steps\":2,\"needs\":[]},"
                    + "{\"name\":\"1\",\"base\":\"a\",\"first\":3,\"steps\":2,\"needs\":[\"a\"]}]}}",
            "{\"begun\":{\"step\":1,\"stage\":\"a\",\"instruction\":\"FROM x AS a\"}}",
            "{\"done\":{\"step\":1,\"cached\":true,\"millis\":0,\"size\":0}}",
            "{\"begun\":{\"step\":2,\"stage\":\"a\",\"instruction\":\"RUN make\"}}",
            "{\"said\":{\"step\":2,\"text\":\"one\\ntw\"}}",
            "{\"said\":{\"step\":2,\"text\":\"o\\u001b[31m!\\n\"}}");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();

    private Output output() {
        return new Output(new Surroundings(
                InputStream.nullInputStream(),
                out,
                OutputStream.nullOutputStream(),
                Map.of("NO_COLOR", "1"),
                true,
                false));
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private static void take(BuildView view, List<String> records) throws IOException {
        for (String record : records) view.take(Json.read(record));
    }

    @Test
    void linesTellEachThingOnce() throws IOException {
        BuildView view = BuildView.lines(output(), nanos::get);

        take(view, RECORDS);
        nanos.set(1_500_000_000);
        take(view, List.of("{\"failed\":{\"step\":2,\"millis\":1500}}", "{\"error\":\"it failed\"}"));

        assertThat(said())
                .isEqualTo(
                        "#1 [a] FROM x AS a\n#1 cached\n#2 [a] RUN make\n#2 | one\n#2 | two\u001b[31m!\n#2 failed after 1.5s\n");
        assertThat(view.error()).isEqualTo("it failed");
        assertThat(view.summary()).isEqualTo("failed in 1.5s: 2 steps, 1 from the cache");
    }

    @Test
    void aTreeShowsStagesSideBySideAndWhatTheyWaitFor() throws IOException {
        BuildView view = BuildView.tree(output(), nanos::get, new BuildView.Screen(24, 60));
        synchronized (view) {
            take(view, RECORDS);
            nanos.set(2_000_000_000);
            take(view, List.of("{\"said\":{\"step\":2,\"text\":\"three\\n\"}}"));
        }
        view.close();

        String last = said().substring(said().lastIndexOf("\u001b[J") + "\u001b[J".length());
        assertThat(last.lines().map(String::stripTrailing))
                .containsExactly(
                        "building 2.0s  1 of 4 steps, 1 from the cache",
                        " a",
                        "   = 1 FROM x AS a" + " ".repeat(60 - 8 - 2 - 6 - 1 - "FROM x AS a".length()) + " cached",
                        "   > 2 RUN make" + " ".repeat(60 - 8 - 2 - 4 - 1 - "RUN make".length()) + " 2.0s",
                        "     | one",
                        "     | two!",
                        "     | three",
                        " 1  waits for a");
    }

    @Test
    void aTreeNeverGrowsBeyondTheScreen() throws IOException {
        BuildView view = BuildView.tree(output(), nanos::get, new BuildView.Screen(5, 40));
        String drawn;
        synchronized (view) {
            take(view, RECORDS);
            nanos.set(2_000_000_000);
            take(view, List.of("{\"said\":{\"step\":2,\"text\":\"three\\n\"}}"));
            drawn = said().substring(said().lastIndexOf("\u001b[J") + "\u001b[J".length());
        }

        assertThat(drawn.lines()).hasSize(4).first().asString().startsWith("building");
        view.close();
    }
}
