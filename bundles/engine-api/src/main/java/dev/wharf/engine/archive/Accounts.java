package dev.wharf.engine.archive;

import dev.wharf.engine.http.Problem;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Unpacker.Owner;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** Finds the numbers of a container's user in its own passwd(5) and group(5). */
final class Accounts {
    private static final int LARGEST_FILE = 1 << 20;

    private final Dir root;

    Accounts(Dir root) {
        this.root = root;
    }

    /** @param asked {@code name|uid[:group|gid]}; no name is root, and no group is the user's own */
    Owner of(String asked) throws IOException {
        String user = asked.endsWith(":") ? asked.substring(0, asked.length() - 1) : asked;
        int colon = user.indexOf(':');
        String before = colon < 0 ? user : user.substring(0, colon);
        String name = before.isEmpty() ? "0" : before;
        Optional<List<String>> account = line("passwd", name, 2);
        long uid = asked(name)
                .or(() -> account.flatMap(a -> number(a.get(2))))
                .orElseThrow(
                        () -> Problem.invalid("unable to find user " + name + ": no matching entries in passwd file"));
        if (colon < 0) {
            return new Owner(
                    uid,
                    account.flatMap(a -> a.size() > 3 ? number(a.get(3)) : Optional.empty())
                            .orElse(0L));
        }
        String group = user.substring(colon + 1);
        Optional<List<String>> found = line("group", group, 2);
        return new Owner(
                uid,
                asked(group)
                        .or(() -> found.flatMap(g -> number(g.get(2))))
                        .orElseThrow(() -> Problem.invalid(
                                "unable to find group " + group + ": no matching entries in group file")));
    }

    /** The number that somebody asked for, where it is one. */
    private static Optional<Long> asked(String text) {
        if (!text.matches("-?[0-9]+")) {
            return Optional.empty();
        }
        return Optional.of(number(text)
                .filter(id -> id <= Integer.MAX_VALUE)
                .orElseThrow(() -> Problem.invalid("uids and gids must be in range 0-" + Integer.MAX_VALUE)));
    }

    private static Optional<Long> number(String text) {
        return text.matches("[0-9]{1,10}") ? Optional.of(Long.valueOf(text)) : Optional.empty();
    }

    /** The line whose first field, or the field at {@code key}, is {@code name}. */
    private Optional<List<String>> line(String file, String name, int key) throws IOException {
        try (Dir etc = root.resolve("etc")) {
            if (etc.look(file).filter(Node::isRegular).isEmpty()) {
                return Optional.empty();
            }
            try (InputStream in = etc.read(file)) {
                return new String(in.readNBytes(LARGEST_FILE), StandardCharsets.UTF_8)
                        .lines()
                        .map(line -> List.of(line.split(":", -1)))
                        .filter(fields -> fields.size() > key)
                        .filter(fields ->
                                fields.get(0).equals(name) || fields.get(key).equals(name))
                        .findFirst();
            }
        } catch (java.nio.file.FileSystemException e) {
            return Optional.empty();
        }
    }
}
