package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Jobs;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.state.Job;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The scheduler's jobs: how they stand, having one run now, and what a run came to. */
public final class JobRoutes implements Routes {
    private static final String ROOT = "/wharf/v1/jobs";
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long BEAT_MILLIS = 20;

    @Override
    public void addTo(Router router) {
        router.get(ROOT, (agent, request) -> Answer.later(request.work(() -> Answer.json(list(agent)))))
                .post(ROOT + "/{name}/run", (agent, request) -> Answer.later(request.work(() -> begun(agent, request))))
                .get(
                        ROOT + "/runs/{name}",
                        (agent, request) -> Answer.later(request.work(() -> Answer.json(report(agent, request)))));
    }

    /** The bundle that has the jobs starts after the front, so who asks in the first moments is kept waiting. */
    private static Jobs jobs(Agent agent) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (agent.jobs().isEmpty() && System.nanoTime() < end) {
            Thread.sleep(BEAT_MILLIS);
        }
        return agent.jobs()
                .orElseThrow(() ->
                        Problem.unavailable("the bundle dev.wharf.housekeeping, which has the jobs, is not there"));
    }

    private static ObjectNode list(Agent agent) throws InterruptedException {
        ObjectNode answer = Json.object();
        ArrayNode lines = answer.putArray("jobs");
        for (Jobs.Standing job : jobs(agent).all()) {
            ObjectNode line = lines.addObject()
                    .put("name", job.name())
                    .put("what", job.what())
                    .put("schedule", job.schedule())
                    .put("trouble", job.trouble())
                    .put("next", text(job.next()));
            Optional<Job> known = Optional.ofNullable(agent.host().jobs().get(job.name()));
            line.put("runs", known.map(Job::runs).orElse(0))
                    .put("failures", known.map(Job::failures).orElse(0))
                    .put("freedBytes", known.map(Job::freedBytes).orElse(0L));
            known.flatMap(Job::begun)
                    .ifPresent(b -> line.putObject("running")
                            .put("run", b.run())
                            .put("at", b.at().toString())
                            .put("dryRun", b.dryRun()));
            known.flatMap(Job::last).ifPresent(run -> describe(line.putObject("last"), run));
        }
        return answer;
    }

    private static ObjectNode describe(ObjectNode into, Job.Run run) {
        return into.put("run", run.run())
                .put("at", run.at().toString())
                .put("millis", run.took().toMillis())
                .put("dryRun", run.dryRun())
                .put("result", run.result().name().toLowerCase(Locale.ROOT))
                .put("summary", run.summary())
                .put("items", run.items())
                .put("freedBytes", run.freedBytes());
    }

    private static String text(Optional<Instant> at) {
        return at.map(Object::toString).orElse("");
    }

    /** A job begins, and the answer is the name of the run; the run goes on whoever stays to hear of it. */
    private static Answer begun(Agent agent, Request request) throws RefusedException, InterruptedException {
        Map<String, String> options = new HashMap<>();
        for (String name : request.query().names()) {
            options.put(name, request.query().text(name));
        }
        if (request.query().has("dry-run")) {
            options.put("dry-run", Boolean.toString(request.query().flag("dry-run", true)));
        }
        return Answer.json(Json.object().put("run", jobs(agent).run(request.name(), options, request.actor())));
    }

    private static ObjectNode report(Agent agent, Request request) throws InterruptedException {
        Jobs.Report report = jobs(agent)
                .report(request.name())
                .orElseThrow(() -> Problem.missing("no run " + request.name()
                        + " is remembered: the last few of each job are, while the agent runs; wharf journal tail has"
                        + " them all"));
        ObjectNode answer = Json.object()
                .put("job", report.job())
                .put("run", report.id())
                .put("dryRun", report.dryRun())
                .put("progress", report.progress());
        report.run().ifPresent(run -> describe(answer.putObject("ended"), run));
        ArrayNode lines = answer.putArray("lines");
        report.lines()
                .forEach(l -> lines.addObject()
                        .put("kind", l.kind())
                        .put("id", l.id())
                        .put("name", l.name())
                        .put("sizeBytes", l.sizeBytes())
                        .put("reason", l.reason()));
        return answer;
    }
}
