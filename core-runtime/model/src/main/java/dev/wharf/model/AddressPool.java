package dev.wharf.model;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where the subnets of networks come from that name none.
 *
 * @param base the whole block, in CIDR notation
 * @param size the prefix of the subnets that it is cut into
 */
public record AddressPool(String base, int size) {
    private static final Pattern WRITTEN = Pattern.compile("base=([^,\\s]+),size=(\\d{1,3})");

    /** Reads pools as an operator writes them, such as {@code base=10.10.0.0/16,size=24}, separated by semicolons. */
    public static List<AddressPool> parseAll(String text) {
        return Stream.of(text.split(";"))
                .map(String::strip)
                .filter(pool -> !pool.isEmpty())
                .map(AddressPool::parse)
                .toList();
    }

    private static AddressPool parse(String text) {
        Matcher pool = WRITTEN.matcher(text);
        if (!pool.matches()) {
            throw new IllegalArgumentException(
                    "invalid address pool \"" + text + "\": expected one such as base=10.10.0.0/16,size=24");
        }
        return new AddressPool(pool.group(1), Integer.parseInt(pool.group(2)));
    }
}
