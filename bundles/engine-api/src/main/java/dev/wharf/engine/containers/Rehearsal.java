package dev.wharf.engine.containers;

import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Plays through what clients ask for most, on a copy of the host with an image that nobody has, so that the JVM has compiled
 * it before the first of them asks: a first inspection takes ten times as long as a later one. All of it is values and
 * functions of them, so nothing comes of it.
 */
public final class Rehearsal {
    /** From 200 calls on the JVM compiles a method. */
    private static final int ROUNDS = 250;

    private static final byte[] WISH = """
            {"Image":"rehearsal.invalid/image","Cmd":["true"],"Env":["A=b"],"Labels":{"a":"b"},
             "ExposedPorts":{"80/tcp":{}},"HostConfig":{"NetworkMode":"bridge","AutoRemove":true,"Memory":67108864,
             "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]},"CapAdd":["NET_ADMIN"]}}
            """.getBytes(StandardCharsets.UTF_8);

    private Rehearsal() {}

    /** Plays, until done or interrupted; throws a {@link Problem} where this host would refuse such a container. */
    public static void play(Host host) {
        Host stage = host.with(image());
        Lines lines = new Lines();
        for (int round = 0; round < ROUNDS && !Thread.currentThread().isInterrupted(); round++) {
            Entropy entropy = Entropy.fresh();
            Instant now = Instant.now();
            ContainerId id = new ContainerId(entropy.hex("container"));
            ContainerSpec spec = new Creation(stage, id, Body.parse(WISH), entropy).spec();
            ContainerCommand create = new ContainerCommand.Create(id, Nicknames.free(stage, entropy), spec);
            Decision decision = create.decide(stage, now);
            if (decision instanceof Decision.Refused refused) {
                throw Problem.conflict(refused.refusal().message());
            }
            Host after = stage;
            for (Event event : ((Decision.Accepted) decision).events()) {
                after = event.apply(after);
            }
            Container c = ContainerLookup.get(after, id.value());
            new ContainerCommand.Start(id, entropy).decide(after, now);
            lines.list(after, ApiVersion.NEWEST, List.of(c), now);
            Json.bytes(new ContainerShapes(after, ApiVersion.NEWEST)
                    .inspect(c, Optional.empty(), Optional.of(Path.of("/log"))));
        }
    }

    private static Image image() {
        Digest digest = Digest.sha256("rehearsal");
        return new Image(
                new ImageId(digest),
                new Descriptor(MediaTypes.OCI_MANIFEST, digest, 1),
                new Descriptor(MediaTypes.OCI_CONFIG, digest, 1),
                new ImageConfig(
                        Platform.host(),
                        "",
                        "",
                        "",
                        List.of("PATH=/usr/bin:/bin"),
                        List.of(),
                        List.of("sh"),
                        "",
                        List.of(),
                        List.of(),
                        Map.of(),
                        "",
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of()),
                List.of(),
                List.of("rehearsal.invalid/image:latest"),
                1,
                Instant.EPOCH,
                true,
                Optional.empty());
    }
}
