package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Drivers under {@code /wharf/v1/drivers}: every implementation with the reason why it serves or does not, and ways to change
 * that. The driver is a query parameter, {@code storage/overlay}, or {@code overlay} where only one is called that.
 */
public final class DriverRoutes implements Routes {
    private static final String ROOT = "/wharf/v1/drivers/";

    @Override
    public void addTo(Router router) {
        router.get(ROOT + "inspect", DriverRoutes::inspect)
                .post(ROOT + "swap", DriverRoutes::swap)
                .post(ROOT + "rollback", DriverRoutes::rollBack)
                .post(ROOT + "probe", DriverRoutes::probe);
    }

    /** On a thread that may wait: for drivers that come with a start, of which nothing else is told, and for those asked. */
    private static Answer with(Agent agent, Request request, Function<DriverId, Answer> use) {
        return Answer.later(request.transfer(() -> {
            agent.fleet().awaitDrivers();
            return use.apply(find(agent, request));
        }));
    }

    private static DriverId find(Agent agent, Request request) {
        String wanted = request.query().text("driver");
        List<DriverId> found = Stream.concat(
                        agent.host().drivers().keySet().stream(),
                        agent.fleet().candidates().stream().map(Candidate::driver))
                .distinct()
                .filter(id -> id.value().equals(wanted) || id.name().value().equals(wanted))
                .sorted(java.util.Comparator.comparing(DriverId::value))
                .toList();
        if (found.isEmpty()) {
            throw Problem.missing("No such driver: " + wanted);
        }
        if (found.size() > 1) {
            throw Problem.invalid("driver " + wanted + " is ambiguous: "
                    + String.join(", ", found.stream().map(DriverId::value).toList()));
        }
        return found.get(0);
    }

    private static Answer inspect(Agent agent, Request request) {
        return with(agent, request, driver -> Answer.json(describe(agent, driver)));
    }

    private static Answer swap(Agent agent, Request request) {
        String wanted = request.query().text("to");
        return with(agent, request, driver -> {
            List<String> matching = agent.fleet().candidates().stream()
                    .filter(c -> c.driver().equals(driver))
                    .map(Candidate::implementation)
                    .filter(i -> i.equals(wanted) || (!wanted.isEmpty() && i.endsWith("@" + wanted)))
                    .toList();
            String to = matching.isEmpty() ? wanted : matching.get(0);
            return served(agent.fleet().swap(driver, to, request.cause()));
        });
    }

    private static Answer rollBack(Agent agent, Request request) {
        return with(agent, request, driver -> served(agent.fleet().rollBack(driver, request.cause())));
    }

    private static Answer served(CompletionStage<Event> event) {
        return Answer.later(event.thenApply(e -> {
            ObjectNode answer = Json.object();
            if (e instanceof DriverEvent.HandedOver over) {
                answer.put("driver", over.driver().value())
                        .put("from", over.from())
                        .put("to", over.to())
                        .put("adopted", over.adopted());
            }
            return Answer.json(answer);
        }));
    }

    private static Answer probe(Agent agent, Request request) {
        return with(agent, request, driver -> {
            agent.fleet().probe(driver);
            return Answer.json(describe(agent, driver));
        });
    }

    private static ObjectNode describe(Agent agent, DriverId driver) {
        Optional<DriverBinding> binding = agent.host().driver(driver);
        ObjectNode node = binding.map(b -> Summaries.driver(b, agent.host()))
                .orElseGet(() -> Json.object()
                        .put("kind", driver.driverKind().word())
                        .put("name", driver.name().value()));
        node.put("chosen", binding.flatMap(DriverBinding::chosen).orElse(""));
        node.put("previous", binding.flatMap(DriverBinding::previous).orElse(""));
        ArrayNode candidates = node.putArray("implementations");
        agent.fleet().candidates().stream()
                .filter(c -> c.driver().equals(driver))
                .forEach(c -> candidates
                        .addObject()
                        .put("implementation", c.implementation())
                        .put("rank", c.rank())
                        .put("standing", c.standing().name().toLowerCase(java.util.Locale.ROOT))
                        .put("why", c.why())
                        .put("callsInside", c.inside()));
        node.set("refusedSettings", Json.array(agent.fleet().refusedSettings(driver)));
        if (driver.driverKind() == DriverKind.REGISTRY) {
            ArrayNode routes = node.putArray("routes");
            agent.registries().routes().stream()
                    .filter(r -> r.backends().contains(driver.name()))
                    .forEach(r -> routes.add(r.pattern() + " "
                            + String.join(
                                    " ",
                                    r.backends().stream().map(DriverName::value).toList())));
        }
        return node;
    }
}
