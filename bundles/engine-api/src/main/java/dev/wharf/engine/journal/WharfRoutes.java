package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Agent.JournalFacts;
import dev.wharf.core.state.Host;
import dev.wharf.core.story.Names;
import dev.wharf.core.story.Portrait;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.SubjectId;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * The routes under {@code /wharf/v1}. Bodies are JSON and errors {@code {"message":...}}; {@code journal} is a stream of
 * JSON lines.
 */
public final class WharfRoutes implements Routes {
    private static final String ROOT = "/wharf/v1";

    private final AgentFacts facts;
    private final Lines lines = new Lines();

    public WharfRoutes(AgentFacts facts) {
        this.facts = facts;
    }

    @Override
    public void addTo(Router router) {
        router.early("GET", ROOT + "/agent", request -> Answer.json(agent()))
                .early("GET", ROOT + "/threads", request -> Answer.text(200, threads()))
                .get(ROOT + "/journal", this::journal)
                .get(ROOT + "/journal/verify", (agent, request) -> later(request, () -> verdict(agent)))
                .get(ROOT + "/journal/facts", (agent, request) -> Answer.json(describe(agent.journal())))
                .get(ROOT + "/host", this::host)
                .get(ROOT + "/drivers", (agent, request) -> Answer.json(Summaries.drivers(agent.host())))
                .get(ROOT + "/explain/{name}", WharfRoutes::explain);
    }

    private ObjectNode agent() {
        return Json.object()
                .put("version", facts.version())
                .put("java", Runtime.version().toString())
                .put("pid", ProcessHandle.current().pid())
                .put("startedAt", facts.startedAt().toString())
                .put("dataRoot", facts.dataRoot().toString())
                .put("execRoot", facts.execRoot().toString())
                .put("shell", facts.shell().toString());
    }

    /** Every thread with where it stands, for whoever asks why nothing moves; answered while the loop answers nothing. */
    private static String threads() {
        StringBuilder text = new StringBuilder();
        Thread.getAllStackTraces().entrySet().stream()
                .sorted(Map.Entry.comparingByKey(Comparator.comparing(Thread::getName)))
                .forEach(entry -> {
                    Thread thread = entry.getKey();
                    text.append('"').append(thread.getName()).append("\" ").append(thread.getState());
                    for (StackTraceElement frame : entry.getValue()) {
                        text.append("\n    at ").append(frame);
                    }
                    text.append("\n\n");
                });
        return text.toString();
    }

    // ---- the journal

    private Answer journal(Agent agent, Request request) {
        Excerpt.Wish wish = Excerpt.Wish.of(request.query());
        // Opening folds the journal up to where the excerpt begins, which takes longer than an event loop has.
        return Answer.later(request.work(() -> Excerpt.open(agent, wish, lines))
                .thenApply(excerpt ->
                        Answer.flow("application/x-ndjson", outlet -> excerpt.sendTo(outlet, request.workers()))));
    }

    private static JsonNode verdict(Agent agent) throws IOException {
        JournalFacts before = agent.journal();
        Optional<String> damage = agent.verifyJournal();
        return describe(before).put("whole", damage.isEmpty()).put("damage", damage.orElse(null));
    }

    private static ObjectNode describe(JournalFacts journal) {
        ObjectNode facts = Json.object()
                .put("origin", journal.origin().sequence())
                .put("end", journal.end().sequence())
                .put("durable", journal.durable().sequence())
                .put("head", journal.head().toString())
                .put("sizeBytes", journal.sizeBytes())
                .put("syncMode", journal.syncMode());
        journal.broken().ifPresent(why -> facts.put("broken", why));
        return facts;
    }

    // ---- the host and what stands on it

    private Answer host(Agent agent, Request request) {
        return request.query().value("at").isEmpty()
                ? Answer.json(host(Then.now(agent)))
                : later(request, () -> host(Then.of(agent, request, "at")));
    }

    private static ObjectNode host(Then then) {
        return Summaries.host(then.host(), then.position()).put("at", then.at().toString());
    }

    private static Answer explain(Agent agent, Request request) {
        Host host = agent.host();
        List<SubjectId> found = Names.find(request.name(), host);
        if (found.isEmpty()) {
            throw Problem.missing("No such container, image, network, volume or driver: " + request.name());
        }
        SubjectId subject = found.get(0);
        Portrait portrait =
                Portrait.of(subject, host).orElseThrow(() -> Problem.missing("No such object: " + request.name()));
        ObjectNode answer = Json.object()
                .put("name", portrait.name())
                .put("subject", subject.text())
                .put("goal", portrait.goal());
        var facts = answer.putArray("facts");
        portrait.facts()
                .forEach(line -> facts.addObject()
                        .put("what", line.what())
                        .put("certainty", line.certainty())
                        .put("value", line.value()));
        answer.set("trouble", Json.array(portrait.trouble()));
        answer.set("next", Json.array(agent.explain(subject)));
        answer.set(
                "also",
                Json.array(found.stream().skip(1).limit(10).map(SubjectId::text).toList()));
        return Answer.json(answer);
    }

    private static Answer later(Request request, Callable<JsonNode> body) {
        return Answer.later(request.transfer(() -> {
            try {
                return Answer.json(body.call());
            } catch (IOException e) {
                throw Place.unreadable(e);
            }
        }));
    }
}
