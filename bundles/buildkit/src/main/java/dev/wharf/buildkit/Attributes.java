package dev.wharf.buildkit;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.plan.Checks;
import dev.wharf.build.plan.Contexts;
import dev.wharf.build.plan.Stages;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Order;
import dev.wharf.model.ImageId;
import dev.wharf.model.Platform;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a client says of a build to the frontend {@code dockerfile.v0}, read once (BuildKit, frontend/dockerui). */
final class Attributes {
    static final String FRONTEND = "dockerfile.v0";

    private static final String ARGUMENT = "build-arg:";
    private static final String LABEL = "label:";

    /** Settings of BuildKit itself that come among the arguments of a Dockerfile. */
    private static final String OWN = "BUILDKIT_";

    private static final String CONTEXT = "context:";
    private static final String IMAGE = "docker-image://";
    private static final String LOCAL = "local:";
    private static final String INPUT = "input:";

    private final Map<String, String> all;
    private final Map<String, ImageId> inputs;
    private final Map<String, String> images = new LinkedHashMap<>();
    private final Map<String, String> folders = new LinkedHashMap<>();

    /** @param inputs what came of builds before, by the names that contexts have for it */
    Attributes(Map<String, String> all, Map<String, ImageId> inputs) throws BuildException {
        this.all = Map.copyOf(all);
        this.inputs = Map.copyOf(inputs);
        for (Map.Entry<String, String> one : below(CONTEXT).entrySet()) {
            add(one.getKey(), one.getValue());
        }
    }

    private void add(String name, String place) throws BuildException {
        if (place.startsWith(IMAGE)) {
            images.put(name, place.substring(IMAGE.length()));
        } else if (place.startsWith(LOCAL)) {
            folders.put(name, place.substring(LOCAL.length()));
        } else if (place.startsWith(INPUT)) {
            ImageId image = inputs.get(place.substring(INPUT.length()));
            if (image == null) {
                throw new BuildException("invalid input " + place.substring(INPUT.length()) + " for " + name);
            }
            images.put(name, image.value());
        } else {
            throw new BuildException("the additional context " + name + " (" + place
                    + ") is not served; there are folders, docker-image:// ones and other targets");
        }
    }

    /** Folders of the client's besides the context: what they are called in the Dockerfile, and by the client. */
    Map<String, String> folders() {
        return folders;
    }

    /** What is to be told of the Dockerfile, where nothing is to be built of it. */
    Optional<String> request() {
        return Optional.of(text("requestid")).filter(request -> !request.isEmpty());
    }

    /** What the client wants the Dockerfile checked for; empty where it leaves that to the Dockerfile. */
    String checks() {
        return text(ARGUMENT + "BUILDKIT_DOCKERFILE_CHECK");
    }

    String target() {
        return text("target");
    }

    /** The stages of a Dockerfile, as far as they are known before anything is built. */
    Stages stages(String name, String dockerfile) throws DockerfileException, BuildException {
        return Stages.of(
                Dockerfile.parse(name, dockerfile),
                arguments(),
                target(),
                platform().orElse(Platform.host()),
                contexts());
    }

    /** What is known of images that a Dockerfile is built on. */
    Checks.Bases bases(Workshop workshop) throws BuildException {
        Optional<Platform> platform = platform();
        return image -> workshop.config(contexts().image(image).orElse(image), platform)
                .map(config ->
                        config.env().stream().map(one -> one.split("=", 2)[0]).collect(Collectors.toSet()));
    }

    private String text(String key) {
        return all.getOrDefault(key, "");
    }

    String file() {
        String name = text("filename");
        return name.isEmpty() ? "Dockerfile" : name;
    }

    /** An address of a context that the client does not have itself; empty where it has. */
    String context() {
        return text("context");
    }

    String localContext() {
        return all.getOrDefault("contextkey", "context");
    }

    String localDockerfile() {
        return all.getOrDefault("dockerfilekey", "dockerfile");
    }

    /** Whether the Dockerfile is the client's although the context is not. */
    boolean hasLocalDockerfile() {
        return all.containsKey("dockerfilekey");
    }

    private Map<String, String> below(String prefix) {
        Map<String, String> some = new LinkedHashMap<>();
        all.forEach((key, value) -> {
            if (key.startsWith(prefix)) {
                some.put(key.substring(prefix.length()), value);
            }
        });
        return some;
    }

    private List<String> list(String key) {
        return Arrays.stream(text(key).split(",")).filter(one -> !one.isEmpty()).toList();
    }

    /**
     * @param text of the Dockerfile, where it does not come with the context
     * @param cacheFrom names of images whose steps count as done
     */
    Order order(Optional<String> text, List<String> cacheFrom) throws BuildException {
        return new Order(
                file(),
                text,
                List.of(),
                arguments(),
                target(),
                below(LABEL),
                all.containsKey("no-cache"),
                text("image-resolve-mode").equals("pull"),
                false,
                new Order.Keeping(false, false),
                cacheFrom,
                network(),
                platform(),
                contexts(),
                Order.Rules.BUILDKIT);
    }

    private Map<String, String> arguments() {
        Map<String, String> arguments = below(ARGUMENT);
        arguments.keySet().removeIf(name -> name.startsWith(OWN));
        return arguments;
    }

    private Contexts contexts() {
        return new Contexts(images, folders.keySet());
    }

    private Optional<Platform> platform() throws BuildException {
        List<String> platforms = list("platform");
        if (platforms.size() > 1) {
            throw new BuildException("an image of several platforms (" + String.join(", ", platforms)
                    + ") is not built here: build one for each, with a --platform and a name of its own");
        }
        try {
            return platforms.stream().findFirst().map(Platform::parse);
        } catch (IllegalArgumentException e) {
            throw new BuildException(String.valueOf(e.getMessage()));
        }
    }

    private String network() {
        String mode = text("force-network-mode");
        return mode.equals("sandbox") ? "" : mode;
    }

    Workshop.Limits limits() throws BuildException {
        List<String> hosts = new ArrayList<>();
        for (String host : list("add-hosts")) {
            hosts.add(host.replaceFirst("=", ":"));
        }
        return new Workshop.Limits(hosts, bytes("shm-size"), list("ulimit"), text("cgroup-parent"));
    }

    private long bytes(String key) throws BuildException {
        String text = text(key);
        try {
            return text.isEmpty() ? 0 : Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new BuildException(key + " is " + text + ", and not a number of bytes");
        }
    }
}
