package dev.wharf.engine.system;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.images.RegistryAuth;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Descriptor;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend.Remote;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashSet;
import java.util.Set;

/** What is asked of registries and changes nothing here: logins, and what a reference stands for. */
public final class RegistryRoutes implements Routes {
    @Override
    public void addTo(Router router) {
        router.post("/auth", RegistryRoutes::login).get("/distribution/{name}/json", RegistryRoutes::inspect);
    }

    // ---- docker login

    private static Answer login(Agent agent, Request request) {
        Body body = request.json();
        Credentials credentials = new Credentials(
                body.text("username"), body.text("password"), body.text("identitytoken"), body.text("registrytoken"));
        String host = host(body.text("serveraddress"));
        return Answer.later(request.work(() -> {
            String token = agent.registries().login(host, credentials);
            return Answer.json(Json.object().put("IdentityToken", token).put("Status", "Login Succeeded"));
        }));
    }

    /** The registry of an address as clients write it: maybe with a scheme and a path, and empty for Docker's own. */
    static String host(String address) {
        String bare = address.strip().replaceFirst("^https?://", "").replaceFirst("/.*$", "");
        if (bare.isEmpty() || bare.equals("index.docker.io")) {
            return Repository.DEFAULT_HOST;
        }
        try {
            return new Repository(bare, "x").host();
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("invalid registry address \"" + address + "\": expected host or host:port");
        }
    }

    // ---- what is there

    private static Answer inspect(Agent agent, Request request) {
        Reference reference;
        try {
            reference = Reference.parse(request.name());
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        Credentials credentials =
                request.header("X-Registry-Auth").map(RegistryAuth::parse).orElse(Credentials.ANONYMOUS);
        return Answer.later(request.work(() -> agent.registries()
                .open(reference.repository(), credentials, remote -> Answer.json(described(remote, reference)))));
    }

    private static ObjectNode described(Remote remote, Reference reference) throws DriverException, IOException {
        Descriptor target = remote.resolve(reference);
        ObjectNode answer = Json.object();
        answer.putObject("Descriptor")
                .put("mediaType", target.mediaType())
                .put("digest", target.digest().toString())
                .put("size", target.sizeBytes());
        ArrayNode platforms = answer.putArray("Platforms");
        for (Platform platform : platforms(remote, target)) {
            ObjectNode node = platforms
                    .addObject()
                    .put("architecture", platform.architecture())
                    .put("os", platform.os());
            if (!platform.variant().isEmpty()) {
                node.put("variant", platform.variant());
            }
        }
        return answer;
    }

    private static Set<Platform> platforms(Remote remote, Descriptor target) throws DriverException, IOException {
        Set<Platform> platforms = new LinkedHashSet<>();
        try {
            byte[] document = read(remote, target, Manifest.LIMIT_BYTES);
            if (MediaTypes.isIndex(target.mediaType())) {
                Index.parse(document, target.mediaType())
                        .manifests()
                        .forEach(manifest -> manifest.platform().ifPresent(platforms::add));
            } else {
                Descriptor config = Manifest.parse(document, target.mediaType()).config();
                platforms.add(ImageConfigs.parse(read(remote, config, ImageConfigs.LIMIT_BYTES))
                        .platform());
            }
        } catch (DocumentException e) {
            throw new Problem(500, "cannot read what the registry sent: " + e.getMessage());
        }
        return platforms;
    }

    private static byte[] read(Remote remote, Descriptor what, int limit) throws DriverException, IOException {
        try (InputStream in = remote.fetch(what, 0)) {
            byte[] bytes = in.readNBytes(limit + 1);
            if (bytes.length > limit || !what.digest().equals(dev.wharf.model.Digest.sha256(bytes))) {
                throw new Problem(500, "the registry sent something else than " + what.digest());
            }
            return bytes;
        }
    }
}
