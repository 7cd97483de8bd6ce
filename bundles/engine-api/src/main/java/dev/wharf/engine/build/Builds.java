package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.build.run.Difference;
import dev.wharf.core.state.Build;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Builds that are remembered, in JSON. */
final class Builds {
    private Builds() {}

    private static List<Build> newestFirst(Host host) {
        return host.builds().values().stream()
                .sorted(Comparator.comparing(Build::at).reversed())
                .toList();
    }

    static ArrayNode list(Host host) {
        ArrayNode lines = Json.array();
        newestFirst(host).forEach(build -> lines.add(summary(build)));
        return lines;
    }

    private static ObjectNode summary(Build build) {
        ObjectNode line = Json.object()
                .put("id", build.id())
                .put("at", build.at().toString())
                .put("file", build.file())
                .put("steps", build.steps().size())
                .put("cached", build.steps().stream().filter(BuildStep::cached).count())
                .put("image", build.image().map(i -> i.value()).orElse(""))
                .put("failure", build.failure());
        build.took().ifPresent(took -> line.put("millis", took.toMillis()));
        line.set("names", Json.array(build.names()));
        return line;
    }

    /** A build with its steps, and where it first went another way than the one of its kind before it. */
    static ObjectNode one(Host host, String id) {
        List<Build> all = newestFirst(host);
        Build build = all.stream()
                .filter(b -> id.equals("latest") || b.id().startsWith(id))
                .findFirst()
                .orElseThrow(() -> Problem.missing("no build " + id + " is remembered; see wharf build history"));
        ObjectNode answer = summary(build);
        ArrayNode steps = answer.putArray("all");
        for (BuildStep step : sorted(build)) {
            steps.addObject()
                    .put("number", step.number())
                    .put("stage", step.stage())
                    .put("instruction", step.instruction())
                    .put("key", step.key().toString())
                    .put("cached", step.cached())
                    .put("millis", step.took().toMillis())
                    .put("size", step.sizeBytes());
        }
        Optional<Build> before = all.stream()
                .filter(b -> b.at().isBefore(build.at())
                        && b.file().equals(build.file())
                        && b.names().equals(build.names()))
                .findFirst();
        answer.put("before", before.map(Build::id).orElse(""));
        answer.put(
                "difference",
                before.map(b -> Difference.first(sorted(b), sorted(build)).orElse(""))
                        .orElse(""));
        return answer;
    }

    private static List<BuildStep> sorted(Build build) {
        return build.steps().stream()
                .sorted(Comparator.comparingInt(BuildStep::number))
                .toList();
    }
}
