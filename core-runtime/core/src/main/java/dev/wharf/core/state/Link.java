package dev.wharf.core.state;

import dev.wharf.model.ContainerSpec.Networking;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * A container that another one on the default network is linked to ({@code docker run --link}): it knows its address under a
 * name of its own choice, and more from variables of its environment.
 */
public record Link(Container target, String alias) {
    /** The address of the target on the default network, empty while it has none. */
    public String address(Host host) {
        return target.places().values().stream()
                .filter(Container.Place::wanted)
                .map(Container.Place::endpoint)
                .filter(e -> host.network(e.network())
                        .map(n -> n.spec().predefined())
                        .orElse(false))
                .map(e -> e.ipv4().isEmpty() ? e.ipv6() : e.ipv4())
                .filter(cidr -> !cidr.isEmpty())
                .map(cidr -> cidr.substring(0, cidr.indexOf('/')))
                .findFirst()
                .orElse("");
    }

    /** The two parts of a link as it is written: whom it means, and the name. Docker's own clients write {@code /db:/web/db}. */
    static List<String> parts(String written) {
        int colon = written.indexOf(':');
        return List.of(
                plain(colon < 0 ? written : written.substring(0, colon)),
                plain(colon < 0 ? written : written.substring(colon + 1)));
    }

    private static String plain(String name) {
        return name.substring(name.lastIndexOf('/') + 1);
    }

    /** Without the link of this name. */
    public static Networking without(Networking networking, String alias) {
        return networking.withLinks(networking.links().stream()
                .filter(written -> !parts(written).get(1).equals(alias))
                .toList());
    }

    private record Port(int number, String protocol) {
        static Port of(String exposed) {
            int slash = exposed.indexOf('/');
            return new Port(Integer.parseInt(exposed.substring(0, slash)), exposed.substring(slash + 1));
        }

        String variable(String prefix) {
            return prefix + "_PORT_" + number + "_" + protocol.toUpperCase(Locale.ROOT);
        }

        String url(String address) {
            return protocol + "://" + address + ":" + number;
        }
    }

    /**
     * The variables that tell {@code owner} of the target, as Docker calls them: its first port, ports that follow one on
     * another, each port, its name, and what stands in its own environment.
     */
    List<String> environment(Host host, String owner) {
        String prefix = alias.toUpperCase(Locale.ROOT).replace('-', '_');
        String address = address(host);
        List<Port> ports = target.spec().networking().exposed().stream()
                .map(Port::of)
                .sorted(Comparator.comparingInt(Port::number)
                        .thenComparing(port -> !port.protocol().equals("tcp")))
                .toList();
        List<String> variables = new ArrayList<>();
        if (!ports.isEmpty()) {
            variables.add(prefix + "_PORT=" + ports.get(0).url(address));
        }
        for (int i = 0; i < ports.size(); ) {
            int last = i;
            while (last + 1 < ports.size()
                    && ports.get(last + 1).number() <= ports.get(last).number() + 1) {
                last++;
            }
            if (last > i + 1) {
                variables.addAll(range(prefix, address, ports.get(i), ports.get(last)));
            }
            i = last + 1;
        }
        for (Port port : ports) {
            String variable = port.variable(prefix);
            variables.add(variable + "=" + port.url(address));
            variables.add(variable + "_ADDR=" + address);
            variables.add(variable + "_PORT=" + port.number());
            variables.add(variable + "_PROTO=" + port.protocol());
        }
        variables.add(prefix + "_NAME=/" + owner + "/" + alias);
        for (String one : target.spec().command().env()) {
            if (one.indexOf('=') > 0 && !one.startsWith("HOME=") && !one.startsWith("PATH=")) {
                variables.add(prefix + "_ENV_" + one);
            }
        }
        return variables;
    }

    private static List<String> range(String prefix, String address, Port first, Port last) {
        String variable = first.variable(prefix);
        return List.of(
                variable + "_START=" + first.url(address),
                variable + "_ADDR=" + address,
                variable + "_PROTO=" + first.protocol(),
                variable + "_PORT_START=" + first.number(),
                variable + "_END=" + last.url(address),
                variable + "_PORT_END=" + last.number());
    }
}
