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

    /** @param text {@code user[:group]}, names or numbers; a user alone is taken for its group's name, too */
    static Owner owner(Dir root, String text) throws IOException {
        if (text.isEmpty()) {
            return new Owner(0, 0);
        }
        int colon = text.indexOf(':');
        String user = colon < 0 ? text : text.substring(0, colon);
        String group = colon < 0 ? text : text.substring(colon + 1);
        return new Owner(number(root, "passwd", "uid for user ", user), number(root, "group", "gid for group ", group));
    }

    private static long number(Dir root, String file, String what, String name) throws IOException {
        if (name.matches("[0-9]{1,10}")) {
            return Long.parseLong(name);
        }
        return line(root, file, name)
                .filter(fields -> fields.get(2).matches("[0-9]{1,10}"))
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
                        .filter(fields -> fields.size() > 2 && fields.get(0).equals(name))
                        .findFirst();
            }
        } catch (FileSystemException e) {
            return Optional.empty();
        }
    }
}
