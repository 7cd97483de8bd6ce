package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.wharf.core.journal.CommandId;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What can be commanded from afar, as it is written: things are called by their names. Containers may be named by name, id or
 * the first twelve digits of it, networks by name or id, images by reference or id.
 */
sealed interface Order {
    /** What kind of command a record is the data of. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface Kind {
        String value();
    }

    /**
     * Makes a container and starts it.
     *
     * @param name empty for one that is made up from the command's id
     * @param body as {@code POST /containers/create} has it
     */
    @Kind("container.run")
    record RunContainer(String name, JsonNode body) implements Order {}

    @Kind("container.create")
    record CreateContainer(String name, JsonNode body) implements Order {}

    @Kind("container.start")
    record StartContainer(String container) implements Order {}

    @Kind("container.stop")
    record StopContainer(String container, String signal, Optional<Duration> grace) implements Order {}

    @Kind("container.kill")
    record KillContainer(String container, String signal) implements Order {}

    @Kind("container.restart")
    record RestartContainer(String container, String signal, Optional<Duration> grace) implements Order {}

    @Kind("container.pause")
    record PauseContainer(String container) implements Order {}

    @Kind("container.unpause")
    record UnpauseContainer(String container) implements Order {}

    @Kind("container.rename")
    record RenameContainer(String container, String name) implements Order {}

    /** Sets all limits anew, and the restart policy where one is given. */
    @Kind("container.update")
    record UpdateContainer(String container, Resources resources, Optional<RestartPolicy> restartPolicy)
            implements Order {}

    @Kind("container.remove")
    record RemoveContainer(String container, boolean force, boolean volumes) implements Order {}

    @Kind("network.create")
    record CreateNetwork(
            String name, String driver, boolean internal, Map<String, String> options, Map<String, String> labels)
            implements Order {}

    @Kind("network.remove")
    record RemoveNetwork(String network) implements Order {}

    @Kind("network.connect")
    record ConnectNetwork(String network, String container, List<String> aliases, String ipv4) implements Order {}

    @Kind("network.disconnect")
    record DisconnectNetwork(String network, String container, boolean force) implements Order {}

    @Kind("volume.create")
    record CreateVolume(String name, Map<String, String> options, Map<String, String> labels) implements Order {}

    @Kind("volume.remove")
    record RemoveVolume(String volume, boolean force) implements Order {}

    @Kind("image.pull")
    record PullImage(String reference) implements Order {}

    @Kind("image.tag")
    record TagImage(String image, String reference) implements Order {}

    @Kind("image.remove")
    record RemoveImage(String image, boolean force) implements Order {}

    /**
     * Makes another implementation of a driver serve.
     *
     * @param driver such as {@code storage/overlay}
     */
    @Kind("driver.swap")
    record SwapDriver(String driver, String implementation) implements Order {}

    /** Removes everything of these kinds that is not in use: {@code container}, {@code image}, {@code network}, {@code volume}. */
    @Kind("host.prune")
    record PruneHost(List<String> kinds, boolean allImages, boolean allVolumes) implements Order {}

    /** Every kind there is, found by walking the sealed family. */
    static Map<String, Class<? extends Record>> kinds() {
        Map<String, Class<? extends Record>> kinds = new LinkedHashMap<>();
        for (Class<?> type : Order.class.getPermittedSubclasses()) {
            kinds.put(type.getAnnotation(Kind.class).value(), type.asSubclass(Record.class));
        }
        return kinds;
    }

    /**
     * A command as it lies on the topic.
     *
     * @param id the same for ever, however often it is sent
     * @param v the version of this shape, 1
     * @param principal who commands
     * @param expires after this it is not done any more
     */
    record Sent(
            String id,
            int v,
            String kind,
            String principal,
            Optional<java.time.Instant> expires,
            Optional<Expectation> expect,
            JsonNode data) {
        /** What begins one of our ids may not end so: it is the second half of a {@code container.run}. */
        static final String START = ":start";

        static final int VERSION = 1;

        private static final Pattern KIND = Pattern.compile("[a-z]{1,32}\\.[a-z-]{1,32}");

        /** Of a record of which nothing can be read. */
        static final Sent NOTHING = outline(MissingNode.getInstance());

        /** What names a command, as far as it can be read where other fields cannot; what is no name is left out. */
        static Sent outline(JsonNode tree) {
            String id = tree.path("id").textValue();
            String kind = tree.path("kind").textValue();
            String principal = tree.path("principal").textValue();
            return new Sent(
                    id != null && isId(id) ? id : "",
                    tree.path("v").isInt() ? tree.path("v").intValue() : VERSION,
                    kind != null && KIND.matcher(kind).matches() ? kind : "",
                    principal != null && Permissions.isPrincipal(principal) ? principal : "",
                    Optional.empty(),
                    Optional.empty(),
                    JsonNodeFactory.instance.objectNode());
        }

        private static boolean isId(String text) {
            return CommandId.isForSenders(text) && !text.endsWith(START);
        }

        /** What is wrong with the names; whatever stands there is not repeated, for it may be a secret in the wrong place. */
        Optional<String> wrong() {
            if (!isId(id)) {
                return Optional.of(
                        "field id: must be 1 to 128 letters, digits and _ . : - that begin with a letter or digit, not "
                                + CommandId.NONE + ", no UUID behind once-, and not with " + START + " at the end");
            }
            if (!KIND.matcher(kind).matches()) {
                return Optional.of("field kind: must be a kind of command such as container.run");
            }
            if (!principal.isEmpty() && !Permissions.isPrincipal(principal)) {
                return Optional.of(
                        "field principal: must be up to 128 letters, digits and _ . @ - that begin with a letter or digit");
            }
            return Optional.empty();
        }
    }

    /**
     * Compare and set: the command is done only while the subject is as it was after a position of the journal.
     *
     * @param subject as events and states name it, such as {@code container:ID}
     */
    record Expectation(String subject, long position) {}

    /** What became of a command. */
    enum Outcome {
        /** It was done, or was so already. */
        DONE,
        /** The host as it stands does not allow it. */
        REFUSED,
        /** It was begun and did not work. */
        FAILED,
        /** It cannot be read. */
        MALFORMED,
        /** There is no such kind of command. */
        UNKNOWN,
        /** It came too late. */
        EXPIRED,
        /** Its principal may not do that. */
        UNAUTHORISED
    }

    /**
     * The one answer to a command.
     *
     * @param command its id, empty where it could not be read
     * @param refusal the kind of refusal, empty where it was not refused
     * @param source topic, partition and offset that it lay at
     * @param position the journal's end when it was answered
     * @param events ids of the events it caused, in order
     */
    record Answer(
            String command,
            int v,
            String kind,
            String principal,
            Outcome outcome,
            String refusal,
            String reason,
            String source,
            long position,
            List<String> events,
            java.time.Instant at) {}
}
