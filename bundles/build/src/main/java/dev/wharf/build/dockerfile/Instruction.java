package dev.wharf.build.dockerfile;

import java.util.List;
import java.util.Optional;

/**
 * One instruction, taken apart as far as that goes without knowing any variable.
 *
 * @param word what it is, in capitals
 * @param code the whole instruction as Docker shows it: continued lines put together
 * @param lastLine where it ends, from 1
 * @param comments the lines of the comment right above it, without their signs
 * @param flags {@code --name=value} before the arguments, in their order
 * @param rest what follows the flags, as written
 * @param json whether the arguments are a JSON array, which is called the exec form
 * @param words the arguments: those of the array, or words as this instruction splits them
 */
public record Instruction(
        String word,
        String code,
        Place place,
        int lastLine,
        List<String> comments,
        List<Flag> flags,
        String rest,
        boolean json,
        List<String> words,
        List<Heredoc> heredocs) {
    public Instruction {
        comments = List.copyOf(comments);
        flags = List.copyOf(flags);
        words = List.copyOf(words);
        heredocs = List.copyOf(heredocs);
    }

    /** One flag; {@code value} is empty where there was no equals sign, as with {@code --link}. */
    public record Flag(String name, Optional<String> value) {}

    public Optional<String> flag(String name) {
        return flags.stream()
                .filter(f -> f.name().equals(name))
                .map(f -> f.value().orElse(""))
                .reduce((a, b) -> b);
    }

    public List<String> flags(String name) {
        return flags.stream()
                .filter(f -> f.name().equals(name))
                .map(f -> f.value().orElse(""))
                .toList();
    }

    /** What the comment above says of a name: the rest of the line that begins with it; empty where it says nothing. */
    public String described(String name) {
        return comments.stream()
                .filter(line -> !name.isEmpty() && line.startsWith(name + " "))
                .map(line -> line.substring(name.length() + 1))
                .findFirst()
                .orElse("");
    }

    /** The word as it is written. */
    public String written() {
        return code.substring(0, word.length());
    }

    /** Whether a flag that is true or false is true. */
    public boolean isSet(String name) throws DockerfileException {
        Optional<String> value = flag(name);
        if (value.isEmpty()) {
            return false;
        }
        return switch (value.get().toLowerCase(java.util.Locale.ROOT)) {
            case "", "true", "1", "t" -> true;
            case "false", "0", "f" -> false;
            default ->
                throw DockerfileException.at(
                        this, "expecting boolean value for flag " + name + ", not: " + value.get());
        };
    }
}
