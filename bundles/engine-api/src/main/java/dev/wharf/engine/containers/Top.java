package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.state.Container;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * {@code /containers/{id}/top}: the host's ps(1), narrowed to the container's processes. Nothing of the container is run, so a
 * hostile ps in an image sees nobody.
 */
final class Top {
    /** Only the words of ps's own options: anything else could make it another program's business. */
    private static final Pattern ARGUMENT = Pattern.compile("[A-Za-z0-9,=%+_:.-]+");

    private Top() {}

    static Answer handle(Agent agent, Request request) {
        Container c = ContainerRoutes.running(agent, request);
        List<String> arguments =
                List.of(request.query().value("ps_args").orElse("-ef").strip().split("\\s+"));
        for (String argument : arguments) {
            if (!ARGUMENT.matcher(argument).matches()) {
                throw Problem.invalid("invalid ps argument \"" + argument + "\"");
            }
        }
        return Answer.later(request.work(() -> run(agent, c, arguments))
                .thenCompose(Notes.first(agent, request, new ContainerCommand.Note(c.id(), "top", Map.of()))));
    }

    private static Answer run(Agent agent, Container c, List<String> arguments) throws Exception {
        List<Integer> pids = agent.streams().processes(c.id());
        // ps names few processes by itself, but not with every option does it take a list of those to name.
        Listing listed = list(arguments, pids);
        if (listed.exit() != 0) {
            listed = list(arguments, List.of());
        }
        String output = listed.output();
        if (listed.exit() != 0) {
            // It says in its first line what it did not like; what follows is how it is used.
            throw Problem.invalid(
                    "ps: " + listed.complaint().strip().lines().findFirst().orElse("exit status " + listed.exit()));
        }
        String[] lines = output.split("\n");
        List<String> titles = List.of(lines[0].strip().split("\\s+"));
        int column = titles.indexOf("PID");
        if (column < 0) {
            throw Problem.invalid("couldn't find PID field in ps output");
        }
        ObjectNode answer = Json.object();
        ArrayNode processes = Json.array();
        for (int i = 1; i < lines.length; i++) {
            String[] fields = lines[i].strip().split("\\s+", titles.size());
            if (fields.length > column && isOne(fields[column], pids)) {
                processes.add(Json.array(List.of(fields)));
            }
        }
        answer.set("Processes", processes);
        return Answer.json(answer.set("Titles", Json.array(titles)));
    }

    private record Listing(int exit, String output, String complaint) {}

    /** @param pids those to name, or none to leave that to the arguments */
    private static Listing list(List<String> arguments, List<Integer> pids) throws Exception {
        List<String> command = new ArrayList<>(List.of("ps"));
        command.addAll(arguments);
        if (!pids.isEmpty()) {
            command.add("-q" + pids.stream().map(String::valueOf).collect(Collectors.joining(",")));
        }
        Process ps;
        try {
            ps = new ProcessBuilder(command).start();
        } catch (IOException e) {
            throw Problem.unsupported("ps is not installed on this host; install procps");
        }
        ps.getOutputStream().close();
        String output = new String(ps.getInputStream().readNBytes(16 << 20), StandardCharsets.UTF_8);
        // Short enough to wait in its pipe meanwhile.
        String complaint = new String(ps.getErrorStream().readNBytes(1 << 16), StandardCharsets.UTF_8);
        if (!ps.waitFor(5, TimeUnit.SECONDS)) {
            ps.destroyForcibly();
            throw new Problem(500, "ps did not end");
        }
        return new Listing(ps.exitValue(), output, complaint);
    }

    private static boolean isOne(String text, List<Integer> pids) {
        try {
            return pids.contains(Integer.valueOf(text));
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
