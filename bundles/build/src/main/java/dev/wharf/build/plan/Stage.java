package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.Instruction;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One FROM and what follows it.
 *
 * @param name what others call it, in lower case; empty where it has no name
 * @param base the image it is made from, with variables replaced, or the name of a stage
 * @param baseStage which stage that is, where it is one
 * @param platform which platform is asked for, or empty
 * @param needs the stages that must be there before this one can be whole, as far as its own text says
 */
public record Stage(
        int index,
        String name,
        Instruction from,
        String base,
        Optional<Integer> baseStage,
        String platform,
        List<Instruction> body,
        Set<Integer> needs) {
    public Stage {
        body = List.copyOf(body);
        needs = Set.copyOf(needs);
    }

    /** The name, or the number where it has none. */
    public String shown() {
        return name.isEmpty() ? String.valueOf(index) : name;
    }
}
