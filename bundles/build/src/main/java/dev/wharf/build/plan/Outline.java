package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.dockerfile.Words;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a target can be told by whoever builds it, in the order of the file.
 *
 * @param name the target's; empty where it has none
 */
public record Outline(
        String name, String description, List<Argument> arguments, List<Lent> secrets, List<Lent> agents) {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{?([A-Za-z_][A-Za-z0-9_]*)");

    public Outline {
        arguments = List.copyOf(arguments);
        secrets = List.copyOf(secrets);
        agents = List.copyOf(agents);
    }

    /** @param at the instruction that names it */
    public record Argument(String name, String description, String value, Instruction at) {}

    /** A secret or an ssh agent that a step asks for. */
    public record Lent(String name, boolean required, Instruction at) {}

    /** The names of variables that a text has. */
    static List<String> variables(String text) {
        return VARIABLE.matcher(text).results().map(match -> match.group(1)).toList();
    }

    /** The outline of the wanted target. */
    public static Outline of(Stages stages) throws DockerfileException {
        Collection all = new Collection(stages);
        for (int index : stages.wanted()) {
            all.stage(stages.all().get(index));
        }
        Stage target = stages.target();
        return new Outline(
                target.name(),
                target.from().described(target.name()),
                all.arguments.values().stream()
                        .sorted(Comparator.comparing(one -> one.at().place().line()))
                        .toList(),
                List.copyOf(all.secrets.values()),
                List.copyOf(all.agents.values()));
    }

    private static final class Collection {
        private final Stages stages;
        private final Words words;
        private final Map<String, Instruction> global = new HashMap<>();
        private final Map<String, Argument> arguments = new LinkedHashMap<>();
        private final Map<String, Lent> secrets = new LinkedHashMap<>();
        private final Map<String, Lent> agents = new LinkedHashMap<>();

        Collection(Stages stages) {
            this.stages = stages;
            this.words = new Words(stages.dockerfile().escape());
            for (Instruction arg : stages.global()) {
                names(arg).forEach(name -> global.put(name, arg));
            }
        }

        private static List<String> names(Instruction arg) {
            return arg.words().stream().map(word -> word.split("=", 2)[0]).toList();
        }

        private void stage(Stage stage) throws DockerfileException {
            for (String name : variables(stage.from().rest())) {
                Instruction arg = global.get(name);
                if (arg != null) {
                    add(name, stages.outer(), arg);
                }
            }
            Variables variables = stages.outer().stage();
            for (Instruction one : stage.body()) {
                if (one.word().equals("ARG")) {
                    Stages.declare(one, variables, words, Map.of());
                    for (String word : one.words()) {
                        String name = word.split("=", 2)[0];
                        add(name, variables, word.contains("=") ? one : global.getOrDefault(name, one));
                    }
                }
                one.flags("mount").forEach(mount -> mount(one, mount));
            }
        }

        private void add(String name, Variables variables, Instruction at) {
            arguments.putIfAbsent(
                    name,
                    new Argument(name, at.described(name), variables.value(name).orElse(""), at));
        }

        private void mount(Instruction one, String mount) {
            Map<String, String> parts = MountWords.of(mount);
            boolean required = parts.getOrDefault("required", "false").equals("true");
            String target = parts.getOrDefault("target", "");
            switch (parts.getOrDefault("type", "bind")) {
                case "secret" -> {
                    String id = parts.getOrDefault("id", target.substring(target.lastIndexOf('/') + 1));
                    secrets.putIfAbsent(id, new Lent(id, required, one));
                }
                case "ssh" -> {
                    String id = parts.getOrDefault("id", "default");
                    agents.putIfAbsent(id, new Lent(id, required, one));
                }
                default -> {}
            }
        }
    }
}
