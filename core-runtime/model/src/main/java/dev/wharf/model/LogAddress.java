package dev.wharf.model;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a log is sent on to, such as {@code tcp://host:24224} or {@code unix:///path}; what was not said is empty.
 *
 * @param host without the brackets of IPv6
 */
public record LogAddress(String scheme, String host, String port, String path) {
    private static final Pattern FORM = Pattern.compile("(?:([a-zA-Z][a-zA-Z0-9+.-]*)://)?([^/?#]*)(/[^?#]*)?");
    private static final Pattern PLACE = Pattern.compile("(?:[^@]*@)?(\\[[^]]*]|[^:\\[\\]%]*)(?::(\\d*))?");

    /** @throws IllegalArgumentException where the text is no address */
    public static LogAddress parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException("parse \"" + text + "\": invalid address");
        }
        Matcher place = PLACE.matcher(form.group(2));
        if (!place.matches()) {
            String port = form.group(2).substring(Math.max(0, form.group(2).lastIndexOf(':')));
            throw new IllegalArgumentException("parse \"" + text + "\": "
                    + (port.startsWith(":") ? "invalid port \"" + port + "\" after host" : "invalid host"));
        }
        return new LogAddress(text(form, 1), text(place, 1).replaceAll("[\\[\\]]", ""), text(place, 2), text(form, 3));
    }

    private static String text(Matcher matcher, int group) {
        return Optional.ofNullable(matcher.group(group)).orElse("");
    }
}
