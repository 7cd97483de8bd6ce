package dev.wharf.kafka;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Who may command what. Written {@code principal=kind,kind; principal=kind}, where a kind may end in {@code *}. Who is not named
 * may do nothing.
 *
 * <p>Kafka tells a reader nothing of who wrote a record. So either only those may write to the topic who are believed when they
 * name a principal, or each principal has a key, and its commands are signed.
 */
final class Permissions {
    private static final Pattern PRINCIPAL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}");
    private static final Pattern KIND = Pattern.compile("[a-z]+\\.[a-z]+|[a-z]+\\.\\*|\\*");

    private final Map<String, List<String>> allowed = new HashMap<>();
    private final Optional<Path> keys;

    Permissions(String text, Optional<Path> keys) {
        this.keys = keys;
        for (String one : text.split(";")) {
            if (one.isBlank()) {
                continue;
            }
            int equals = one.indexOf('=');
            String principal = equals < 0 ? "" : one.substring(0, equals).strip();
            if (!isPrincipal(principal)) {
                throw new IllegalArgumentException(
                        "commands.allow is not principal=kind,kind; principal=kind: \"" + one.strip() + "\"");
            }
            for (String kind : one.substring(equals + 1).split(",")) {
                if (!KIND.matcher(kind.strip()).matches()) {
                    throw new IllegalArgumentException(
                            "commands.allow has no kind of command: \"" + kind.strip() + "\"");
                }
                allowed.computeIfAbsent(principal, p -> new ArrayList<>()).add(kind.strip());
            }
        }
    }

    static boolean isPrincipal(String text) {
        return PRINCIPAL.matcher(text).matches();
    }

    /** Why this principal may not do this; empty if it may. */
    Optional<String> against(String principal, String kind, byte[] command, Optional<byte[]> signature) {
        boolean may = allowed.getOrDefault(principal, List.of()).stream()
                .anyMatch(k -> k.equals("*")
                        || k.equals(kind)
                        || k.endsWith(".*") && kind.startsWith(k.substring(0, k.length() - 1)));
        if (!may) {
            return Optional.of("principal \"" + principal + "\" may not do " + kind + "; see commands.allow");
        }
        if (keys.isEmpty()) {
            return Optional.empty();
        }
        if (signature.isEmpty()) {
            return Optional.of("the command is not signed, and commands.keys asks for a signature");
        }
        try {
            Signature check = Signature.getInstance("Ed25519");
            check.initVerify(key(keys.get().resolve(principal + ".pem")));
            check.update(command);
            byte[] raw = Base64.getDecoder().decode(signature.get());
            return check.verify(raw) ? Optional.empty() : Optional.of("the signature is not " + principal + "'s");
        } catch (IOException e) {
            return Optional.of("there is no key of principal \"" + principal + "\"");
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            return Optional.of("the signature cannot be checked: " + e.getMessage());
        }
    }

    private static PublicKey key(Path file) throws IOException, GeneralSecurityException {
        String text = Files.readString(file, StandardCharsets.US_ASCII)
                .replaceAll("-----[A-Z ]+-----", "")
                .replaceAll("\\s", "");
        return KeyFactory.getInstance("Ed25519")
                .generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(text)));
    }
}
