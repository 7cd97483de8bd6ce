package dev.wharf.cli.paper;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What a shell needs to complete the command. The one for bash is picocli's own. */
public final class Completions {
    /** The shells that are known. */
    public enum Shell {
        BASH,
        ZSH,
        FISH
    }

    /** A command's place, such as {@code /journal/tail}; the whole command's is empty. */
    private record Place(String path, CommandSpec spec) {}

    private Completions() {}

    public static String of(Shell shell, CommandLine line) {
        return switch (shell) {
            // It is sourced, never run, so the line that names an interpreter only misleads.
            case BASH -> AutoComplete.bash(line.getCommandName(), line).replaceFirst("^#!.*\\R", "");
            case ZSH -> zsh(line.getCommandName(), places(line));
            case FISH -> fish(line.getCommandName(), places(line));
        };
    }

    private static List<Place> places(CommandLine line) {
        List<Place> places = new ArrayList<>();
        collect("", line.getCommandSpec(), places);
        return places;
    }

    private static void collect(String path, CommandSpec spec, List<Place> into) {
        into.add(new Place(path, spec));
        spec.subcommands().forEach((name, below) -> collect(path + "/" + name, below.getCommandSpec(), into));
    }

    private static List<OptionSpec> options(CommandSpec spec) {
        return spec.options().stream().filter(option -> !option.hidden()).toList();
    }

    /** The first sentence, which is all that a list of choices has room for. */
    private static String brief(String... description) {
        String text = Texts.plain(description);
        int end = text.indexOf(". ");
        return end < 0 ? text : text.substring(0, end);
    }

    private static String zsh(String name, List<Place> places) {
        String known =
                places.stream().map(Place::path).filter(path -> !path.isEmpty()).collect(Collectors.joining("|"));
        StringBuilder text = new StringBuilder();
        text.append("#compdef ").append(name).append("\n\n_").append(name).append("() {\n");
        text.append("    local at='' word\n    local -a commands options\n");
        text.append("    for word in ${words[2,CURRENT-1]}; do\n        case \"$at/$word\" in\n            (")
                .append(known)
                .append(") at=\"$at/$word\" ;;\n        esac\n    done\n    case $at in\n");
        for (Place place : places) {
            text.append("        (")
                    .append(place.path().isEmpty() ? "''" : place.path())
                    .append(")\n");
            text.append("            commands=(");
            place.spec()
                    .subcommands()
                    .forEach((command, below) -> text.append("\n                ")
                            .append(quoted(command + ":"
                                    + colonless(brief(below.getCommandSpec()
                                            .usageMessage()
                                            .description())))));
            text.append(")\n            options=(");
            for (OptionSpec option : options(place.spec())) {
                for (String spelling : option.names()) {
                    text.append("\n                ")
                            .append(quoted(spelling + ":" + colonless(brief(option.description()))));
                }
            }
            text.append(")\n            ;;\n");
        }
        text.append(
                "    esac\n    if [[ $words[CURRENT] == -* ]]; then\n        _describe -t options option options\n");
        text.append("    elif (( $#commands )); then\n        _describe -t commands command commands\n");
        text.append("    else\n        _files\n    fi\n}\n\n");
        text.append("# Sourced, it makes itself known; found by its name, it is called for the first time.\n");
        text.append("if [[ $funcstack[1] == _")
                .append(name)
                .append(" ]]; then _")
                .append(name)
                .append(" \"$@\"; ");
        text.append("else compdef _").append(name).append(' ').append(name).append("; fi\n");
        return text.toString();
    }

    private static String fish(String name, List<Place> places) {
        StringBuilder text = new StringBuilder();
        text.append("function __").append(name).append("_at\n    set -l at ''\n");
        text.append("    for word in (commandline -opc)[2..-1]\n        if contains -- \"$at/$word\"");
        places.stream()
                .map(Place::path)
                .filter(path -> !path.isEmpty())
                .forEach(path -> text.append(' ').append(path));
        text.append(
                "\n            set at \"$at/$word\"\n        end\n    end\n    test \"$at\" = \"$argv[1]\"\nend\n\n");
        for (Place place : places) {
            String here = "complete -c " + name + " -n '__" + name + "_at \"" + place.path() + "\"'";
            place.spec()
                    .subcommands()
                    .forEach((command, below) -> text.append(here)
                            .append(" -f -a ")
                            .append(command)
                            .append(" -d ")
                            .append(quotedForFish(
                                    brief(below.getCommandSpec().usageMessage().description())))
                            .append('\n'));
            for (OptionSpec option : options(place.spec())) {
                text.append(here);
                for (String spelling : option.names()) {
                    text.append(
                            spelling.startsWith("--")
                                    ? " -l " + spelling.substring(2)
                                    : " -s " + spelling.substring(1));
                }
                if (option.arity().max() > 0) text.append(" -r");
                text.append(" -d ")
                        .append(quotedForFish(brief(option.description())))
                        .append('\n');
            }
        }
        return text.toString();
    }

    private static String colonless(String text) {
        return text.replace(":", "\\:");
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }

    private static String quotedForFish(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
