package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.system.AbsentRoutes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The table of what is served, made from the routes that really are. Run with {@code -Dengine.docs.write=true} to write it
 * anew; what it holds beside the routes is in the test's resources.
 */
class ServedRoutesTest {
    private static final Path TABLE = Path.of("../../dist/docs/engine-api.md");

    /** Routes that answer truly although nothing is behind them. */
    private static final Set<String> TRUE_AS_THEY_STAND = Set.of("GET /plugins", "POST /build/prune");

    private record Documented(String tier, String method, String path, String purpose) {
        String key() {
            return method + " " + path;
        }

        /** A path that a client might send. */
        String sample() {
            return path.replaceAll("\\{[a-z]+\\}", "x");
        }

        /** The path with nameless names, as the router tells of it. */
        String nameless() {
            return method + " " + path.replaceAll("\\{[a-z]+\\}", "{}");
        }
    }

    private static List<String[]> rows(String resource) throws IOException {
        try (InputStream in = ServedRoutesTest.class.getResourceAsStream("/" + resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .skip(1)
                    .map(line -> line.split("\t", -1))
                    .toList();
        }
    }

    private static List<Documented> documented() throws IOException {
        return rows("engine-api.tsv").stream()
                .map(c -> new Documented(c[0], c[1], c[2], c[3]))
                .toList();
    }

    private static List<Routes> parts() {
        return EngineApi.routes(
                new AgentFacts("test", Instant.EPOCH, Path.of("/data"), Path.of("/run")),
                new Trees(),
                java.time.Duration.ZERO);
    }

    private static Router served() {
        return EngineApi.router(
                parts().stream().filter(part -> !(part instanceof AbsentRoutes)).toList());
    }

    private static boolean isServed(Router served, Documented route) {
        return TRUE_AS_THEY_STAND.contains(route.key()) || served.routes().contains(route.nameless());
    }

    @Test
    void theTableSaysWhatIsServed() throws IOException {
        String table = table();
        if (Boolean.getBoolean("engine.docs.write")) {
            Files.writeString(TABLE, table);
        }
        assertThat(TABLE)
                .as("to write it: mvn test -pl bundles/engine-api -Dtest=ServedRoutesTest -Dengine.docs.write=true")
                .hasContent(table);
    }

    @Test
    void everyRouteOfTheFirstTwoTiersIsAnswered() throws IOException {
        Router all = EngineApi.router(parts());
        assertThat(documented())
                .filteredOn(route -> !route.tier().equals("3"))
                .allMatch(route -> all.serves(route.method(), route.sample()));
    }

    @Test
    void everyDocumentedRouteOfTheThirdTierIsAnsweredToo() throws IOException {
        Router all = EngineApi.router(parts());
        assertThat(documented())
                .filteredOn(route -> !all.serves(route.method(), route.sample()))
                .extracting(Documented::key)
                // What Go tells of itself.
                .containsExactly("GET /debug/pprof/{name}");
    }

    @Test
    void nothingIsServedThatNobodyKnowsOf() throws IOException {
        Set<String> known = documented().stream().map(Documented::nameless).collect(Collectors.toSet());
        assertThat(served().routes())
                .filteredOn(route -> !route.contains(" /wharf/v1/") && !route.equals("GET /metrics"))
                .isSubsetOf(known);
    }

    @Test
    void whatIsSaidToBeMissingIsSaidOfRoutesThatAreServed() throws IOException {
        Router served = served();
        Map<String, Documented> known = new HashMap<>();
        documented().forEach(route -> known.put(route.key(), route));
        for (String[] partly : rows("engine-api-partly.tsv")) {
            Documented route = known.get(partly[0] + " " + partly[1]);
            assertThat(route).as(partly[1]).isNotNull();
            assertThat(isServed(served, route)).as(route.key()).isTrue();
        }
    }

    private static String table() throws IOException {
        Router served = served();
        Map<String, String> missing = new HashMap<>();
        rows("engine-api-partly.tsv").forEach(c -> missing.put(c[0] + " " + c[1], c[2]));
        List<String> lines = new ArrayList<>();
        Map<String, Integer> counts = new HashMap<>();
        for (Documented route : documented()) {
            boolean is = isServed(served, route);
            String word = !is ? "not" : missing.containsKey(route.key()) ? "partly" : "served";
            counts.merge(word, 1, Integer::sum);
            lines.add("| " + route.method() + " | `" + route.path() + "` | " + word + " | "
                    + cell(is ? missing.getOrDefault(route.key(), route.purpose()) : route.purpose()) + " |");
        }
        return """
                # What is served of the Docker Engine API

                Made by a test from the routes that the agent really has; API versions 1.24 to 1.51. *Partly* says what is
                missing, *not* is answered with 501 and a message, or as Docker itself answers where it has no such thing (503 for
                swarms, 404 for plugins). Routes under `/wharf/v1` and `/metrics` are Wharf's own.

                %d served, %d partly, %d not.

                | Method | Path | | What it is for, or what is missing |
                |---|---|---|---|
                """.formatted(
                                counts.getOrDefault("served", 0),
                                counts.getOrDefault("partly", 0),
                                counts.getOrDefault("not", 0))
                + String.join("\n", lines) + "\n";
    }

    private static String cell(String text) {
        return text.replace("|", "\\|");
    }
}
