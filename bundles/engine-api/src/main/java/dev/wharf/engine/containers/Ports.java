package dev.wharf.engine.containers;

import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.PortWish;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads ports as Docker writes them: {@code 80}, {@code 80/udp}, {@code 8000-8010/tcp}. */
final class Ports {
    private Ports() {}

    /** The ports of one text, each in the form {@code 80/tcp}. */
    static List<String> exposed(String text) {
        int slash = text.indexOf('/');
        String protocol = slash < 0 ? "tcp" : text.substring(slash + 1).toLowerCase(Locale.ROOT);
        if (!List.of("tcp", "udp", "sctp").contains(protocol)) {
            throw Problem.invalid("invalid proto: " + protocol);
        }
        int[] range = range(slash < 0 ? text : text.substring(0, slash), text);
        List<String> ports = new ArrayList<>();
        for (int port = range[0]; port <= range[1]; port++) {
            ports.add(port + "/" + protocol);
        }
        return ports;
    }

    /** {@code HostConfig.PortBindings}. */
    static List<PortWish> published(Body hostConfig) {
        List<PortWish> wishes = new ArrayList<>();
        var bindings = hostConfig.raw("PortBindings");
        if (!bindings.isObject() && !bindings.isMissingNode() && !bindings.isNull()) {
            throw Problem.invalid("invalid JSON: field HostConfig.PortBindings is no object");
        }
        bindings.fields().forEachRemaining(entry -> {
            for (String port : exposed(entry.getKey())) {
                int slash = port.indexOf('/');
                int number = Integer.parseInt(port.substring(0, slash));
                String protocol = port.substring(slash + 1);
                if (!entry.getValue().isNull() && !entry.getValue().isArray()) {
                    throw Problem.invalid(
                            "invalid JSON: field HostConfig.PortBindings." + entry.getKey() + " is no list");
                }
                for (var binding : entry.getValue()) {
                    String hostPort = binding.path("HostPort").asText("");
                    int[] range = hostPort.isEmpty() ? new int[] {0, 0} : range(hostPort, hostPort);
                    wishes.add(new PortWish(
                            number, protocol, address(binding.path("HostIp").asText("")), range[0], range[1]));
                }
            }
        });
        return wishes;
    }

    private static String address(String text) {
        String bare = text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
        if (!bare.isEmpty()) {
            try {
                dev.wharf.core.command.Addresses.literal(bare);
            } catch (IllegalArgumentException e) {
                throw Problem.invalid("invalid HostIP in port binding: " + text);
            }
        }
        return bare;
    }

    private static int[] range(String text, String whole) {
        int dash = text.indexOf('-');
        try {
            int first = Integer.parseInt(dash < 0 ? text : text.substring(0, dash));
            int last = dash < 0 ? first : Integer.parseInt(text.substring(dash + 1));
            if (first < 0 || last > 65535 || last < first) {
                throw Problem.invalid("invalid port specification: \"" + whole + "\"");
            }
            return new int[] {first, last};
        } catch (NumberFormatException e) {
            throw Problem.invalid("invalid port specification: \"" + whole + "\"");
        }
    }
}
