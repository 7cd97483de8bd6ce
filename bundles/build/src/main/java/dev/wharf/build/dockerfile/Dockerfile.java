package dev.wharf.build.dockerfile;

import java.util.List;
import java.util.Map;

/**
 * What a Dockerfile says, instruction by instruction.
 *
 * @param escape the character that continues a line and takes a variable's meaning away
 * @param directives the parser directives at its top, by their names in lower case
 * @param warnings what is odd, though it can be built
 * @param emptyContinuations lines that go on with what came before an empty one
 */
public record Dockerfile(
        String name,
        char escape,
        Map<String, String> directives,
        List<Instruction> instructions,
        List<String> warnings,
        List<Integer> emptyContinuations) {
    /** The largest file that is read, in characters: anything larger is no Dockerfile. */
    public static final int LARGEST = 1 << 20;

    /** No image can have as many layers, and what is read of a file must not take the memory of everybody else. */
    static final int MOST_INSTRUCTIONS = 10_000;

    public Dockerfile {
        directives = Map.copyOf(directives);
        instructions = List.copyOf(instructions);
        warnings = List.copyOf(warnings);
        emptyContinuations = List.copyOf(emptyContinuations);
    }

    /** @param name what the file is called, for messages */
    public static Dockerfile parse(String name, String text) throws DockerfileException {
        return new Parser(name, text).parse();
    }

    /** What is remembered by an image for the builds on top of it: one instruction without anything around it. */
    public static Instruction trigger(String text) throws DockerfileException {
        List<Instruction> all = parse("ONBUILD", text).instructions();
        if (all.size() != 1) {
            throw DockerfileException.of("ONBUILD trigger \"" + text + "\" is not one instruction");
        }
        return all.get(0);
    }
}
