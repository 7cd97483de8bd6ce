package dev.wharf.engine.images;

import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.spi.registry.Credentials;
import java.util.Base64;

/** Reads {@code X-Registry-Auth}: JSON in base64, of either alphabet, padded or not. */
public final class RegistryAuth {
    private RegistryAuth() {}

    /** The credentials; what cannot be read counts as none, as with Docker. */
    public static Credentials parse(String header) {
        try {
            String standard = header.strip().replace('-', '+').replace('_', '/').replace("=", "");
            Body auth = Body.parse(Base64.getDecoder().decode(standard));
            return new Credentials(
                    auth.text("username"),
                    auth.text("password"),
                    auth.text("identitytoken"),
                    auth.text("registrytoken"));
        } catch (IllegalArgumentException | Problem e) {
            return Credentials.ANONYMOUS;
        }
    }
}
