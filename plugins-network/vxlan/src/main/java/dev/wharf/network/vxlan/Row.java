package dev.wharf.network.vxlan;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.wharf.spi.network.Resident;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A resident in the words of the exchange: one line, its parts separated by spaces.
 *
 * @param number the network's identifier in its frames, which all its hosts know it by
 */
record Row(int number, Resident resident) {
    private static final int MOST_ADDRESSES = 16;

    String line() {
        return String.join(
                " ",
                "resident",
                Integer.toString(number),
                resident.endpoint(),
                resident.mac(),
                String.join(",", resident.addresses()),
                encoded(resident.container()),
                new TreeSet<>(resident.names()).stream().map(Row::encoded).collect(Collectors.joining(",")));
    }

    /** Takes nothing that is not what it should be, for it comes from another machine. */
    static Optional<Row> parse(String line) {
        String[] words = line.split(" ", -1);
        boolean fits = words.length == 7
                && words[0].equals("resident")
                && words[1].matches("[0-9]{1,8}")
                && words[2].matches("[0-9a-f]{64}")
                && words[3].matches("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
                && words[4].matches("[0-9a-f.:,]{2,700}");
        if (!fits) {
            return Optional.empty();
        }
        try {
            List<String> addresses =
                    Arrays.stream(words[4].split(",")).limit(MOST_ADDRESSES).toList();
            for (String address : addresses) {
                Share.bytes(address);
            }
            HashSet<String> names = new HashSet<>();
            for (String name : words[6].split(",")) {
                names.add(URLDecoder.decode(name, UTF_8));
            }
            names.remove("");
            return Optional.of(new Row(
                    Integer.parseInt(words[1]),
                    new Resident(
                            Exchange.NOWHERE,
                            words[2],
                            URLDecoder.decode(words[5], UTF_8),
                            names,
                            addresses,
                            words[3])));
        } catch (IllegalArgumentException | dev.wharf.spi.DriverException e) {
            return Optional.empty();
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, UTF_8);
    }
}
