package dev.wharf.cli.paper;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Manual pages (man(7)), one for the command and one for each command below it. */
public final class ManPages {
    /** An option of the daemon's help, from its dashes to the two spaces before what it does. */
    private static final Pattern OPTION = Pattern.compile("^ {2,6}(-\\S.*?) {2,}(\\S.*)$");

    private ManPages() {}

    /** Pages by their names, such as {@code wharf-journal-tail}. */
    public static Map<String, String> of(CommandLine line, String version) {
        Map<String, String> pages = new TreeMap<>();
        collect(line, version, pages);
        return pages;
    }

    private static void collect(CommandLine line, String version, Map<String, String> into) {
        into.put(name(line.getCommandSpec()), page(line, version));
        line.getSubcommands().values().forEach(below -> collect(below, version, into));
    }

    private static String name(CommandSpec spec) {
        return spec.qualifiedName("-");
    }

    private static String page(CommandLine line, String version) {
        CommandSpec spec = line.getCommandSpec();
        String about = Texts.plain(spec.usageMessage().description());
        StringBuilder text = new StringBuilder();
        head(text, name(spec), 1, version);
        section(text, "NAME", escaped(name(spec)) + " \\- " + escaped(firstSentence(about)));
        String synopsis = new Help(spec, Help.defaultColorScheme(Help.Ansi.OFF)).synopsis(0);
        section(
                text,
                "SYNOPSIS",
                "\\fB" + escaped(spec.qualifiedName()) + "\\fR "
                        + escaped(synopsis.replaceAll("\\s+", " ")
                                .strip()
                                .substring(spec.qualifiedName().length())));
        section(text, "DESCRIPTION", escaped(about));
        if (!spec.positionalParameters().isEmpty()) {
            text.append(".SH ARGUMENTS\n");
            for (PositionalParamSpec parameter : spec.positionalParameters()) {
                item(text, "\\fI" + escaped(parameter.paramLabel()) + "\\fR", parameter.description());
            }
        }
        if (!spec.options().isEmpty()) {
            text.append(".SH OPTIONS\n");
            for (OptionSpec option : spec.options()) {
                if (option.hidden()) continue;
                String names = Arrays.stream(option.names())
                        .map(spelling -> "\\fB" + escaped(spelling) + "\\fR")
                        .collect(Collectors.joining(", "));
                String value = option.arity().max() > 0 ? " \\fI" + escaped(option.paramLabel()) + "\\fR" : "";
                item(text, names + value, option.description());
            }
        }
        if (!spec.subcommands().isEmpty()) {
            text.append(".SH COMMANDS\n");
            spec.subcommands()
                    .values()
                    .forEach(below -> item(
                            text,
                            "\\fB" + escaped(name(below.getCommandSpec())) + "\\fR(1)",
                            below.getCommandSpec().usageMessage().description()));
        }
        verbatim(text, "EXAMPLES", Texts.lines(spec.usageMessage().footer()));
        section(text, "EXIT STATUS", "0 when all went well, 1 when it did not, 2 when it was called the wrong way.");
        section(
                text,
                "SEE ALSO",
                (spec.parent() == null ? "" : "\\fB" + escaped(name(spec.parent())) + "\\fR(1), ")
                        + "\\fBwharfd\\fR(8)");
        return text.toString();
    }

    /** The daemon's page, from the text that its help shows: usage, options, examples, exit status. */
    public static String ofDaemon(String usage, String version) {
        String[] lines = usage.split("\n");
        StringBuilder text = new StringBuilder();
        head(text, "wharfd", 8, version);
        section(text, "NAME", "wharfd \\- " + escaped(lines[0].substring(lines[0].indexOf(": ") + 2)));
        section(text, "SYNOPSIS", "\\fBwharfd\\fR [options]");
        text.append(".SH OPTIONS\n");
        int at = 0;
        while (!lines[at].startsWith("Examples:")) {
            Matcher option = OPTION.matcher(lines[at]);
            if (option.matches()) {
                text.append(".TP\n\\fB")
                        .append(escaped(option.group(1)))
                        .append("\\fR\n")
                        .append(escaped(option.group(2)))
                        .append('\n');
            } else if (lines[at].startsWith("        ")) {
                text.append(escaped(lines[at].strip())).append('\n');
            }
            at++;
        }
        StringBuilder examples = new StringBuilder();
        for (at++; !lines[at].startsWith("Exit status:"); at++) {
            examples.append(lines[at]).append('\n');
        }
        verbatim(text, "EXAMPLES", examples.toString());
        section(text, "EXIT STATUS", escaped(lines[at].substring("Exit status: ".length())));
        section(
                text,
                "FILES",
                "\\fI/etc/wharf\\fR settings, \\fI/var/lib/wharf\\fR data, \\fI/run/wharf/wharf.sock\\fR the socket");
        section(text, "SEE ALSO", "\\fBwharf\\fR(1)");
        return text.toString();
    }

    private static void head(StringBuilder text, String name, int section, String version) {
        text.append(".TH ")
                .append(escaped(name.toUpperCase(java.util.Locale.ROOT)))
                .append(' ')
                .append(section);
        text.append(" \"\" \"Wharf ").append(version).append("\" \"Wharf\"\n.nh\n.ad l\n");
    }

    private static void section(StringBuilder text, String title, String body) {
        text.append(".SH ").append(title).append('\n').append(body).append('\n');
    }

    private static void item(StringBuilder text, String what, String... description) {
        text.append(".TP\n")
                .append(what)
                .append('\n')
                .append(escaped(Texts.plain(description)))
                .append('\n');
    }

    private static void verbatim(StringBuilder text, String title, String body) {
        if (body.isBlank()) return;
        text.append(".SH ").append(title).append("\n.nf\n");
        body.stripTrailing().lines().forEach(line -> text.append(escaped(line)).append('\n'));
        text.append(".fi\n");
    }

    private static String firstSentence(String text) {
        int end = text.indexOf(". ");
        String sentence = end < 0 ? text : text.substring(0, end);
        return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    }

    /** A dash is a minus that can be copied, and no line begins with what troff takes for a request. */
    static String escaped(String text) {
        String safe = text.replace("\\", "\\e").replace("-", "\\-");
        return safe.startsWith(".") || safe.startsWith("'") ? "\\&" + safe : safe;
    }
}
