package dev.wharf.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a container's log says of the container, as the log's options ask for it in Docker's words. */
public final class LogWords {
    private static final Pattern FIELD = Pattern.compile("\\{\\{\\s*\\.([A-Za-z]+)\\s*}}");

    private LogWords() {}

    /**
     * The labels and variables that the options name, the labels first.
     *
     * @throws IllegalArgumentException where a pattern among the options is none
     */
    public static Map<String, String> chosen(ContainerSpec spec) {
        Map<String, String> options = spec.logging().options();
        Map<String, String> variables = new LinkedHashMap<>();
        for (String variable : spec.command().env()) {
            int equals = variable.indexOf('=');
            if (equals > 0) {
                variables.put(variable.substring(0, equals), variable.substring(equals + 1));
            }
        }
        Map<String, String> chosen = new LinkedHashMap<>();
        choose(spec.labels(), options, "labels", chosen);
        choose(variables, options, "env", chosen);
        return chosen;
    }

    private static void choose(
            Map<String, String> from, Map<String, String> options, String option, Map<String, String> into) {
        List<String> names = List.of(options.getOrDefault(option, "").split(","));
        String regex = options.getOrDefault(option + "-regex", "");
        Pattern pattern = Pattern.compile(regex);
        from.forEach((name, value) -> {
            if (names.contains(name)
                    || !regex.isEmpty() && pattern.matcher(name).find()) {
                into.put(name, value);
            }
        });
    }

    /**
     * A tag such as {@code {{.ImageName}}/{{.Name}}} with its fields filled in.
     *
     * @param hostname the host's
     * @throws IllegalArgumentException where it has a field that there is not
     */
    public static String tag(String template, ContainerId container, String name, ContainerSpec spec, String hostname) {
        Matcher matcher = FIELD.matcher(template);
        StringBuilder text = new StringBuilder();
        while (matcher.find()) {
            String field = matcher.group(1);
            String value = switch (field) {
                case "ID" -> container.shortForm();
                case "FullID", "ContainerID" -> container.value();
                case "Name" -> name;
                case "FullName", "ContainerName" -> "/" + name;
                case "ImageID" -> spec.image().shortForm();
                case "ImageFullID", "ContainerImageID" -> spec.image().value();
                case "ImageName", "ContainerImageName" -> spec.imageReference();
                case "DaemonName" -> "docker";
                case "Command" -> String.join(" ", spec.command().arguments());
                case "Hostname" -> hostname;
                default ->
                    throw new IllegalArgumentException(
                            "invalid log option tag=" + template + ": unknown field " + field);
            };
            matcher.appendReplacement(text, Matcher.quoteReplacement(value));
        }
        return matcher.appendTail(text).toString();
    }
}
