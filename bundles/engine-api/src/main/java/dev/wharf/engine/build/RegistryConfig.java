package dev.wharf.engine.build;

import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.Reference;
import dev.wharf.spi.registry.Credentials;
import java.util.Base64;
import java.util.Map;

/** The header {@code X-Registry-Config}: credentials by registry; what cannot be read counts as none, as with Docker. */
final class RegistryConfig {
    private RegistryConfig() {}

    static Credentials credentials(String header, Reference image) {
        if (header.isBlank()) {
            return Credentials.ANONYMOUS;
        }
        try {
            String standard = header.strip().replace('-', '+').replace('_', '/').replace("=", "");
            Map<String, Body> all = Body.parse(("{\"all\":"
                                    + new String(
                                            Base64.getDecoder().decode(standard),
                                            java.nio.charset.StandardCharsets.UTF_8)
                                    + "}")
                            .getBytes(java.nio.charset.StandardCharsets.UTF_8))
                    .bodies("all");
            String host = image.repository().toString().split("/", 2)[0];
            for (Map.Entry<String, Body> one : all.entrySet()) {
                if (bare(one.getKey()).equals(bare(host))) {
                    Body auth = one.getValue();
                    return new Credentials(
                            auth.text("username"),
                            auth.text("password"),
                            auth.text("identitytoken"),
                            auth.text("registrytoken"));
                }
            }
            return Credentials.ANONYMOUS;
        } catch (IllegalArgumentException | Problem e) {
            return Credentials.ANONYMOUS;
        }
    }

    /** Docker's own registry goes by an address of its earliest days. */
    private static String bare(String host) {
        String name = host.replaceFirst("^https?://", "").replaceFirst("/.*", "");
        return name.equals("index.docker.io") || name.equals("registry-1.docker.io") ? "docker.io" : name;
    }
}
