package dev.wharf.dns;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The resolvers of the host, from resolv.conf(5): read when they are needed, for they change with the network it is on. */
final class Upstreams {
    private final Path file;

    Upstreams(Path file) {
        this.file = file;
    }

    List<InetAddress> ofHost() {
        try {
            List<String> named = new ArrayList<>();
            for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
                String[] words = line.strip().split("\\s+", -1);
                if (words.length >= 2 && words[0].equals("nameserver")) {
                    named.add(words[1]);
                }
            }
            return of(named);
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Those of {@code texts} that are addresses; a name would have to be looked up first. */
    static List<InetAddress> of(List<String> texts) {
        List<InetAddress> found = new ArrayList<>();
        for (String text : texts) {
            if (text.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%[A-Za-z0-9._-]+)?")) {
                try {
                    found.add(InetAddress.getByName(text));
                } catch (UnknownHostException e) {
                    continue;
                }
            }
        }
        return found;
    }
}
