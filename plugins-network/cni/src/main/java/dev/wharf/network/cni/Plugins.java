package dev.wharf.network.cni;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.EndpointSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Runs a list's plugins one after the other (CNI 1.0, sections 2 and 3). */
final class Plugins {
    private static final int TRY_AGAIN = 11;
    private static final long PATIENCE_SECONDS = 60;

    private final List<Path> folders;
    private final List<String> prefix;

    /** @param prefix a command that runs the plugins, empty for the agent itself */
    Plugins(List<Path> folders, List<String> prefix) {
        this.folders = List.copyOf(folders);
        this.prefix = List.copyOf(prefix);
    }

    /** Refuses a list whose programs are not all there. */
    void require(ConfList list) throws DriverException {
        for (ObjectNode plugin : list.plugins()) {
            program(ConfList.type(plugin));
        }
        program("static");
    }

    private Path program(String type) throws DriverException {
        return folders.stream()
                .map(folder -> folder.resolve(type))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.UNSUPPORTED,
                        "there is no CNI plugin " + type + " in "
                                + folders.stream().map(Path::toString).collect(Collectors.joining(", "))
                                + "; install it there (Debian: containernetworking-plugins), or name another folder in"
                                + " dev.wharf.network.cni.cfg"));
    }

    /** ADD by each plugin in order; answers with the last one's result. */
    JsonNode add(ConfList list, EndpointSpec endpoint, String namespace) throws DriverException {
        Optional<JsonNode> result = Optional.empty();
        for (ObjectNode plugin : list.plugins()) {
            ObjectNode request = list.request(plugin, endpoint, result);
            result = run("ADD", plugin, request, endpoint, namespace).or(() -> Optional.of(ConfList.JSON.nullNode()));
        }
        return result.orElseThrow();
    }

    void check(ConfList list, EndpointSpec endpoint, String namespace, JsonNode result) throws DriverException {
        for (ObjectNode plugin : list.plugins()) {
            run("CHECK", plugin, list.request(plugin, endpoint, Optional.of(result)), endpoint, namespace);
        }
    }

    /**
     * DEL by each plugin in the order back. Each is asked, whatever became of the one before.
     *
     * @param namespace empty where it is gone
     */
    void delete(ConfList list, EndpointSpec endpoint, String namespace, Optional<JsonNode> result)
            throws DriverException {
        List<ObjectNode> back = new ArrayList<>(list.plugins());
        Collections.reverse(back);
        Optional<DriverException> failed = Optional.empty();
        for (ObjectNode plugin : back) {
            try {
                run("DEL", plugin, list.request(plugin, endpoint, result), endpoint, namespace);
            } catch (DriverException e) {
                failed = failed.or(() -> Optional.of(e));
            }
        }
        if (failed.isPresent()) {
            throw failed.get();
        }
    }

    private Optional<JsonNode> run(
            String command, ObjectNode plugin, ObjectNode request, EndpointSpec endpoint, String namespace)
            throws DriverException {
        String type = ConfList.type(plugin);
        List<String> line = new ArrayList<>(prefix);
        line.add(program(type).toString());
        ProcessBuilder builder = new ProcessBuilder(line);
        Map<String, String> environment = builder.environment();
        environment.put("CNI_COMMAND", command);
        environment.put("CNI_CONTAINERID", endpoint.id());
        environment.put("CNI_NETNS", namespace);
        environment.put("CNI_IFNAME", endpoint.containerInterface());
        environment.put("CNI_PATH", folders.stream().map(Path::toString).collect(Collectors.joining(":")));
        environment.put("CNI_ARGS", "IgnoreUnknown=1" + (endpoint.mac().isEmpty() ? "" : ";MAC=" + endpoint.mac()));
        String what = "CNI plugin " + type + " " + command;
        try {
            return answer(what, builder, request);
        } catch (IOException e) {
            throw DriverException.failure(Failure.Kind.FAILED, "cannot run " + what + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, what + " was interrupted", e);
        }
    }

    private static Optional<JsonNode> answer(String what, ProcessBuilder builder, ObjectNode request)
            throws IOException, InterruptedException, DriverException {
        Process process = builder.start();
        try {
            // Both at once, whatever else waits: a plugin stands still when one of them is full.
            CompletableFuture<String> errors =
                    CompletableFuture.supplyAsync(() -> text(process.getErrorStream()), Plugins::aside);
            CompletableFuture<String> output =
                    CompletableFuture.supplyAsync(() -> text(process.getInputStream()), Plugins::aside);
            try (OutputStream input = process.getOutputStream()) {
                input.write(request.toString().getBytes(UTF_8));
            }
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw DriverException.failure(
                        Failure.Kind.UNAVAILABLE, what + " did not end in " + PATIENCE_SECONDS + " s");
            }
            String out = output.join().strip();
            if (process.exitValue() != 0) {
                throw failed(what, process.exitValue(), out, errors.join().strip());
            }
            return out.isEmpty() ? Optional.empty() : Optional.of(ConfList.JSON.readTree(out));
        } finally {
            process.destroyForcibly();
        }
    }

    private static void aside(Runnable task) {
        Thread thread = new Thread(task, "wharf-cni-plugin");
        thread.setDaemon(true);
        thread.start();
    }

    /** What a plugin says of its trouble (CNI 1.0, section 5). */
    private static DriverException failed(String what, int status, String out, String errors) {
        Failure.Kind kind = Failure.Kind.FAILED;
        String why = errors.isEmpty() ? "exit status " + status : errors;
        try {
            JsonNode said = ConfList.JSON.readTree(out);
            if (said.has("msg")) {
                String details = said.path("details").asText("");
                why = said.path("msg").asText() + (details.isEmpty() ? "" : ": " + details);
                kind = said.path("code").asInt() == TRY_AGAIN ? Failure.Kind.BUSY : kind;
            }
        } catch (IOException e) {
            why = why + ": " + out;
        }
        return DriverException.failure(kind, what + " failed: " + why);
    }

    private static String text(java.io.InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}
