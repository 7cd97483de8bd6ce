package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ports as EXPOSE writes them: {@code 80}, {@code 80/udp}, {@code 8000-8010/tcp}. A host's port or address before them, as
 * {@code docker run --publish} has it, says nothing of the image and is left out, as Docker does.
 */
final class PortWords {
    private static final Pattern FORM = Pattern.compile(
            "(?:(?:[0-9.]*:|\\[[0-9a-fA-F:]+\\]:)?[0-9]{0,5}(?:-[0-9]{1,5})?:)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([a-zA-Z]+))?");

    private PortWords() {}

    static List<String> read(Instruction at, String text) throws DockerfileException {
        Matcher port = FORM.matcher(text);
        if (!port.matches()) {
            throw DockerfileException.at(at, "Invalid containerPort: " + text);
        }
        int first = Integer.parseInt(port.group(1));
        int last = port.group(2) == null ? first : Integer.parseInt(port.group(2));
        String protocol = port.group(3) == null ? "tcp" : port.group(3).toLowerCase(Locale.ROOT);
        if (first > 65535 || last > 65535 || last < first) {
            throw DockerfileException.at(at, "Invalid containerPort: " + text);
        }
        if (!Set.of("tcp", "udp", "sctp").contains(protocol)) {
            throw DockerfileException.at(at, "Invalid proto: " + protocol);
        }
        List<String> all = new ArrayList<>();
        for (int i = first; i <= last; i++) {
            all.add(i + "/" + protocol);
        }
        return all;
    }
}
