package dev.wharf.engine.build;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.run.Build;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Offers;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ImageId;
import dev.wharf.model.Reference;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /build}: images of Dockerfiles, as clients of the classic builder ask for them. */
public final class BuildRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(BuildRoutes.class);

    private final Bench bench;
    private final Map<String, Bench.Attempt> running = new ConcurrentHashMap<>();

    public BuildRoutes(Bench bench) {
        this.bench = bench;
    }

    @Override
    public void addTo(Router router) {
        router.upload("POST", "/build", this::build)
                .upload("POST", "/wharf/v1/build", this::buildAndTell)
                .post("/build/cancel", this::cancel)
                .post("/build/prune", this::prune)
                .get("/wharf/v1/builds", (agent, request) -> Answer.json(Builds.list(agent.host())))
                .get(
                        "/wharf/v1/builds/{name}",
                        (agent, request) -> Answer.json(Builds.one(agent.host(), request.name())));
    }

    private Answer build(Agent agent, Request request) {
        BuildQuery query = BuildQuery.read(request);
        return start(agent, request, query, new BuildAnswer(query.order().quiet(), later(request)), () -> Offers.NONE);
    }

    /** The same for Wharf's own command: news of steps as they happen, and secrets and ssh agents for those that ask. */
    private Answer buildAndTell(Agent agent, Request request) {
        return start(
                agent,
                request,
                BuildQuery.read(request),
                new NewsAnswer(later(request)),
                () -> Loan.read(request.stream(), request.actor()));
    }

    /** On a worker, since a client may be slow to read. */
    private static BuildAnswer.Later later(Request request) {
        return (delay, task) -> request.after(delay, () -> request.workers().execute(task));
    }

    private Answer start(Agent agent, Request request, BuildQuery query, BuildAnswer answer, Bench.Lending lending) {
        String id = request.query()
                .value("buildid")
                .filter(i -> !i.isEmpty())
                .orElseGet(() -> Entropy.fresh().hex("build"));
        Bench.Attempt attempt = new Bench.Attempt();
        running.put(id, attempt);
        request.onGone(attempt::cancel);
        Bench.Asking asking = new Bench.Asking(
                Build.freshId(),
                agent,
                request::cause,
                query,
                lending,
                image -> RegistryConfig.credentials(
                        request.header("X-Registry-Config").orElse(""), image),
                (folder, shelf) -> receive(folder, query, request));
        request.transfer(() -> {
            try {
                attempt(asking, answer, attempt);
            } finally {
                running.remove(id, attempt);
                // Whoever hears of the end may look, and finds nothing left.
                answer.end();
                BuildCache.tidy(agent, request::cause, bench.caches());
            }
            return id;
        });
        return Answer.later(answer.answer());
    }

    private static void receive(ContextFolder folder, BuildQuery query, Request request)
            throws BuildException, IOException, InterruptedException {
        Optional<String> address = query.address();
        if (address.isPresent()) {
            Bench.fetch(folder, address.get(), query.order().dockerfile());
        } else {
            folder.receive(request.stream());
        }
    }

    private void attempt(Bench.Asking asking, BuildAnswer answer, Bench.Attempt attempt) {
        try {
            ImageId image = bench.build(asking, answer, attempt);
            answer.stream("Successfully built " + image.shortForm().replace("sha256:", "") + "\n");
            for (Reference name : asking.query().order().names()) {
                answer.stream("Successfully tagged " + name.familiar() + "\n");
            }
        } catch (BuildException e) {
            Problem problem = Problem.invalid(String.valueOf(e.getMessage()));
            answer.fail(problem, e.code() == 0 ? Optional.empty() : Optional.of(e.code()));
        } catch (ContextException e) {
            answer.fail(Problem.invalid(String.valueOf(e.getMessage())), Optional.empty());
        } catch (IOException e) {
            answer.fail(new Problem(500, "the build context cannot be read: " + e.getMessage()), Optional.empty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            answer.fail(Problem.unavailable("the engine stops"), Optional.empty());
        } catch (RuntimeException e) {
            answer.fail(Problems.of(e), Optional.empty());
        } catch (StackOverflowError | OutOfMemoryError e) {
            LOG.error("a build needed more than there is; please report this", e);
            answer.fail(new Problem(500, "the build needs more memory than the engine has"), Optional.empty());
        }
    }

    /** Without {@code all}, what an image with a name has too stays, since forgetting that would free nothing. */
    private Answer prune(Agent agent, Request request) {
        boolean all = request.query().flag("all", false);
        // Each version of the API has its own name for it.
        long room = request.query()
                .number("reserved-space")
                .or(() -> request.query().number("keep-storage"))
                .or(() -> request.query().number("max-used-space"))
                .orElse(0L);
        PruneRules rules = PruneRules.read(request.query().text("filters"), all, room);
        return Answer.later(request.work(() -> {
            BuildCache.Freed freed = BuildCache.prune(agent, request::cause, bench.caches(), rules);
            agent.submit(new HostCommand.NotePrune("builder", freed.sizeBytes()), request.cause());
            return Answer.json(Json.object()
                    .put("SpaceReclaimed", freed.sizeBytes())
                    .set("CachesDeleted", Json.arrayOrNull(freed.keys())));
        }));
    }

    private Answer cancel(Agent agent, Request request) {
        Bench.Attempt attempt = running.get(request.query().text("id"));
        if (attempt == null) {
            throw Problem.missing("no build " + request.query().text("id") + " is running");
        }
        attempt.cancel();
        return Answer.empty(204);
    }

    @Override
    public void tidy(Agent agent) {
        bench.tidy(agent);
    }
}
