package dev.wharf.engine.containers;

import dev.wharf.core.state.Container;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.system.Machine;
import dev.wharf.model.LogWords;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What {@code docker logs --details} shows before each line: the labels, variables and tag that the log's options name. They
 * are the same for every line of a container.
 */
final class LogDetails {
    private LogDetails() {}

    /** Sorted, each part as in a query, and a space behind them; the space stands there without any, too. */
    static byte[] of(Container c) {
        try {
            Map<String, String> told = new TreeMap<>(LogWords.chosen(c.spec()));
            String tag = c.spec().logging().options().getOrDefault("tag", "");
            if (!tag.isEmpty()) {
                told.put("tag", LogWords.tag(tag, c.id(), c.name(), c.spec(), new Machine().hostName()));
            }
            String text = told.entrySet().stream()
                    .map(e -> escaped(e.getKey()) + "=" + escaped(e.getValue()))
                    .collect(Collectors.joining(","));
            return (text + " ").getBytes(StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
