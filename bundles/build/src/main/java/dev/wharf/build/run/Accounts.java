package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Unpacker.Owner;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Optional;

/** Finds the numbers of {@code --chown} in an image's own passwd(5) and group(5). */
final class Accounts {
    private static final int LARGEST_FILE = 1 << 20;

    private Accounts() {}

    /**
     * @param text {@code user[:group]}, names or numbers; a user alone is taken for its group's name, too
     * @param primary whether it is not, but brings the group that passwd says it is in
     */
    static Owner owner(Dir root, String text, boolean primary) throws IOException {
        if (text.isEmpty()) {
            return new Owner(0, 0);
        }
        int colon = text.indexOf(':');
        String user = colon < 0 ? text : text.substring(0, colon);
        if (primary && colon < 0 && !isNumber(user)) {
            long uid = number(root, "passwd", "uid for user ", user);
            String gid = line(root, "passwd", user).map(fields -> fields.get(3)).orElse("");
            return new Owner(uid, isNumber(gid) ? Long.parseLong(gid) : uid);
        }
        String group = colon < 0 ? text : text.substring(colon + 1);
        return new Owner(number(root, "passwd", "uid for user ", user), number(root, "group", "gid for group ", group));
    }

    private static boolean isNumber(String text) {
        return text.matches("[0-9]{1,10}");
    }

    private static long number(Dir root, String file, String what, String name) throws IOException {
        if (isNumber(name)) {
            return Long.parseLong(name);
        }
        return line(root, file, name)
                .filter(fields -> isNumber(fields.get(2)))
                .map(fields -> Long.valueOf(fields.get(2)))
                .orElseThrow(() -> new ContextException("unable to convert uid/gid chown string to host mapping: can't"
                        + " find " + what + name + ": no such " + (file.equals("group") ? "group" : "user") + ": "
                        + name));
    }

    private static Optional<List<String>> line(Dir root, String file, String name) throws IOException {
        try (Dir etc = root.resolve("etc")) {
            if (etc.look(file).filter(Node::isRegular).isEmpty()) {
                return Optional.empty();
            }
            try (InputStream in = etc.read(file)) {
                return new String(in.readNBytes(LARGEST_FILE), StandardCharsets.UTF_8)
                        .lines()
                        .map(line -> List.of(line.split(":", -1)))
                        .filter(fields -> fields.size() > 3 && fields.get(0).equals(name))
                        .findFirst();
            }
        } catch (FileSystemException e) {
            return Optional.empty();
        }
    }
}
