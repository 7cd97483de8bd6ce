package dev.wharf.registry.http;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Who we are to a store. Held for one pull, and shown to nobody. */
record Keys(String id, String secret, String token) {
    private static final Set<PosixFilePermission> OTHERS =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_READ, PosixFilePermission.OTHERS_WRITE);

    /** Reads a file in the form of AWS's own tools; sections and comments are passed over, of one key the first counts. */
    static Keys read(Path file) throws DriverException {
        try {
            if (Files.getPosixFilePermissions(file).stream().anyMatch(OTHERS::contains)) {
                throw failure(
                        Failure.Kind.UNAUTHORISED,
                        "the keys in " + file + " are open to others and are not used; chmod 600 helps");
            }
            Map<String, String> values = new HashMap<>();
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                int equals = line.indexOf('=');
                if (equals > 0 && !line.strip().startsWith("#")) {
                    values.putIfAbsent(
                            line.substring(0, equals).strip(),
                            line.substring(equals + 1).strip());
                }
            }
            String id = values.getOrDefault("aws_access_key_id", "");
            String secret = values.getOrDefault("aws_secret_access_key", "");
            if (id.isEmpty() || secret.isEmpty()) {
                throw failure(
                        Failure.Kind.UNAUTHORISED,
                        "there are no keys in " + file + ": expected aws_access_key_id and aws_secret_access_key");
            }
            return new Keys(id, secret, values.getOrDefault("aws_session_token", ""));
        } catch (NoSuchFileException e) {
            throw failure(Failure.Kind.UNAUTHORISED, "there is no file of keys " + file, e);
        } catch (IOException e) {
            throw failure(Failure.Kind.UNAUTHORISED, "cannot read the keys in " + file, e);
        }
    }

    @Override
    public String toString() {
        return "(secret)";
    }
}
