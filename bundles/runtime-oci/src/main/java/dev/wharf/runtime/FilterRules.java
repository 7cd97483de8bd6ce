package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.spi.kernel.SystemCallFilters.Comparison;
import dev.wharf.spi.kernel.SystemCallFilters.Operator;
import dev.wharf.spi.kernel.SystemCallFilters.Profile;
import dev.wharf.spi.kernel.SystemCallFilters.Rule;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Reads a seccomp profile of an OCI configuration (OCI runtime spec, config-linux, seccomp) as crun does (its seccomp.c), so
 * that the same profile comes to the same decisions.
 */
final class FilterRules {
    private static final String ACTION = "SCMP_ACT_";
    private static final String COMPARE = "SCMP_CMP_";
    private static final String ARCHITECTURE = "SCMP_ARCH_";
    private static final int EPERM = 1;
    private static final int ARGUMENTS = 6;

    private FilterRules() {}

    /** An IllegalArgumentException says that a word of the profile means nothing. */
    static Profile of(JsonNode profile) {
        int otherwise = action(profile.path("defaultAction"), profile.path("defaultErrnoRet"));
        List<String> architectures = new ArrayList<>();
        for (JsonNode name : profile.path("architectures")) {
            architectures.add(word(name, ARCHITECTURE).toLowerCase(Locale.ROOT));
        }
        List<Rule> rules = new ArrayList<>();
        for (JsonNode rule : profile.path("syscalls")) {
            int action = action(rule.path("action"), rule.path("errnoRet"));
            // libseccomp takes no rule that says what would happen without it.
            if (action != otherwise) {
                List<String> names = new ArrayList<>();
                rule.path("names").forEach(name -> names.add(name.asText()));
                for (List<Comparison> where : alternatives(rule.path("args"))) {
                    rules.add(new Rule(names, action, where));
                }
            }
        }
        return new Profile(otherwise, architectures, rules);
    }

    /** Comparisons hold together; of those where two are about one argument any suffices. */
    private static List<List<Comparison>> alternatives(JsonNode args) {
        List<Comparison> all = new ArrayList<>();
        Set<Integer> arguments = new HashSet<>();
        boolean apart = false;
        for (JsonNode arg : args) {
            int index = arg.path("index").asInt();
            if (index < 0 || index >= ARGUMENTS) {
                throw new IllegalArgumentException("a system call has no argument " + index);
            }
            apart |= !arguments.add(index);
            all.add(new Comparison(
                    index,
                    Operator.valueOf(word(arg.path("op"), COMPARE)),
                    number(arg.path("value")),
                    number(arg.path("valueTwo"))));
        }
        return apart ? all.stream().map(List::of).toList() : List.of(all);
    }

    /** Values are 64 bits without a sign; a number too large for a long comes as a big integer. */
    private static long number(JsonNode value) {
        return value.isBigInteger() ? value.bigIntegerValue().longValue() : value.asLong();
    }

    private static int action(JsonNode action, JsonNode errno) {
        int data = errno.isInt() ? errno.asInt() & 0xffff : EPERM;
        return switch (word(action, ACTION)) {
            case "KILL", "KILL_THREAD" -> 0;
            case "KILL_PROCESS" -> 0x80000000;
            case "TRAP" -> 0x00030000;
            case "ERRNO" -> 0x00050000 | data;
            case "TRACE" -> 0x7ff00000 | data;
            case "LOG" -> 0x7ffc0000;
            case "ALLOW" -> 0x7fff0000;
            default -> throw new IllegalArgumentException("no such action: " + action.asText());
        };
    }

    private static String word(JsonNode node, String prefix) {
        String text = node.asText();
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
    }
}
