package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.dockerfile.Suggestion;
import dev.wharf.build.dockerfile.Words;
import dev.wharf.model.GoBool;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What of a Dockerfile can be built and is better written otherwise, by the rules and in the words of BuildKit: all of its rules
 * but those that need the client's files, and the one for a base of another platform, which is not built on here.
 */
public final class Checks {
    private static final Pattern SECRET = Pattern.compile(
            "(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern PUBLIC = Pattern.compile("(?:_|^)public(?:_|$)", Pattern.CASE_INSENSITIVE);
    private static final Set<String> RESERVED = Set.of("context", "scratch");

    private final Predicate<Rule> heeded;
    private final Known known;
    private final List<Warning> warnings = new ArrayList<>();

    /** A rule that may be broken. */
    public enum Rule {
        STAGE_NAME_CASING("StageNameCasing", "Stage names should be lowercase"),
        FROM_AS_CASING("FromAsCasing", "The 'as' keyword should match the case of the 'from' keyword"),
        NO_EMPTY_CONTINUATION("NoEmptyContinuation", "Empty continuation lines will become errors in a future release"),
        CONSISTENT_INSTRUCTION_CASING(
                "ConsistentInstructionCasing",
                "All commands within the Dockerfile should use the same casing (either upper or lower)"),
        DUPLICATE_STAGE_NAME("DuplicateStageName", "Stage names should be unique"),
        RESERVED_STAGE_NAME("ReservedStageName", "Reserved words should not be used as stage names"),
        JSON_ARGS_RECOMMENDED(
                "JSONArgsRecommended",
                "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals"),
        MAINTAINER_DEPRECATED(
                "MaintainerDeprecated",
                "The MAINTAINER instruction is deprecated, use a label instead to define an image author"),
        UNDEFINED_VAR("UndefinedVar", "Variables should be defined before their use"),
        INVALID_DEFAULT_ARG_IN_FROM(
                "InvalidDefaultArgInFrom",
                "Default value for global ARG results in an empty or invalid base image name"),
        UNDEFINED_ARG_IN_FROM("UndefinedArgInFrom", "FROM command must use declared ARGs"),
        WORKDIR_RELATIVE_PATH(
                "WorkdirRelativePath",
                "Relative workdir without an absolute workdir declared within the build can have unexpected results if"
                        + " the base image changes"),
        MULTIPLE_INSTRUCTIONS_DISALLOWED(
                "MultipleInstructionsDisallowed",
                "Multiple instructions of the same type should not be used in the same stage"),
        LEGACY_KEY_VALUE_FORMAT(
                "LegacyKeyValueFormat", "Legacy key/value format with whitespace separator should not be used"),
        REDUNDANT_TARGET_PLATFORM(
                "RedundantTargetPlatform",
                "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior"),
        SECRETS_USED_IN_ARG_OR_ENV(
                "SecretsUsedInArgOrEnv", "Sensitive data should not be used in the ARG or ENV commands"),
        FROM_PLATFORM_FLAG_CONST_DISALLOWED(
                "FromPlatformFlagConstDisallowed", "FROM --platform flag should not use a constant value"),
        EXPOSE_PROTO_CASING("ExposeProtoCasing", "Protocol in EXPOSE instruction should be lowercase"),
        EXPOSE_INVALID_FORMAT(
                "ExposeInvalidFormat",
                "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error"
                        + " in a future release");

        private final String title;
        private final String description;

        Rule(String title, String description) {
            this.title = title;
            this.description = description;
        }

        /** What everybody calls it, and a Dockerfile that skips it. */
        public String title() {
            return title;
        }

        public String description() {
            return description;
        }

        /** Where it is explained. */
        public String address() {
            return "https://docs.docker.com/go/dockerfile/rule/"
                    + name().toLowerCase(Locale.ROOT).replace('_', '-') + "/";
        }
    }

    /**
     * A rule that is broken.
     *
     * @param line from 1, as is the last
     */
    public record Warning(Rule rule, int line, int lastLine, String detail) {
        /** In one line. */
        public String shown() {
            return rule.title() + ": " + detail + " (line " + line + ")";
        }
    }

    /**
     * What a Dockerfile is to be checked for, as {@code # check=} words it.
     *
     * @param fails whether a broken rule is an error
     */
    private record Wanted(Predicate<Rule> heeded, boolean fails) {
        static Wanted read(String text) throws DockerfileException {
            Set<String> skipped = new HashSet<>();
            boolean fails = false;
            for (String part : text.split(";")) {
                if (part.isBlank()) {
                    continue;
                }
                String[] pair = part.split("=", 2);
                if (pair.length < 2) {
                    throw DockerfileException.of("invalid check option " + GoWords.quoted(part));
                }
                switch (pair[0].strip()) {
                    case "skip" -> skipped.addAll(List.of(pair[1].strip().split("\\s*,\\s*")));
                    case "error" -> fails = GoBool.isTrue(pair[1].strip());
                    // Rules that are tried out need what is not looked at here.
                    case "experimental" -> {}
                    default -> throw DockerfileException.of("invalid check option " + GoWords.quoted(pair[0].strip()));
                }
            }
            return new Wanted(rule -> !skipped.contains("all") && !skipped.contains(rule.title()), fails);
        }
    }

    /**
     * What a check comes to.
     *
     * @param violation why the Dockerfile shall not be built for what was found; empty where it may be
     */
    public record Result(List<Warning> warnings, Optional<String> violation) {
        public Result {
            warnings = List.copyOf(warnings);
        }
    }

    private Checks(Predicate<Rule> heeded, Known known) {
        this.heeded = heeded;
        this.known = known;
    }

    /**
     * Checks a Dockerfile.
     *
     * @param asked what the client wants checked, instead of what the Dockerfile says of that; may be empty
     * @param every whether stages are checked, too, that the target does not need
     * @param bases variables of images; empty for an image that is not known yet, on top of which none is called undefined
     */
    public static Result of(Stages stages, String asked, boolean every, Bases bases) throws DockerfileException {
        Dockerfile file = stages.dockerfile();
        Wanted wanted = Wanted.read(asked.isEmpty() ? file.directives().getOrDefault("check", "") : asked);
        Checks checks = new Checks(wanted.heeded(), new Known(stages, bases));
        checks.written(file);
        checks.names(stages);
        checks.casing(file);
        checks.defaults(stages);
        for (Stage stage : stages.all()) {
            checks.from(stages, stage);
            if (every || stages.wanted().contains(stage.index())) {
                checks.stage(stage);
            }
        }
        Optional<String> violation = wanted.fails() && !checks.warnings.isEmpty()
                ? Optional.of("lint violation found for rules: "
                        + checks.warnings.stream()
                                .map(warning -> warning.rule().title())
                                .distinct()
                                .collect(Collectors.joining(", ")))
                : Optional.empty();
        return new Result(checks.warnings, violation);
    }

    /** What is known of images before anything is built. */
    public interface Bases {
        /** The names of an image's variables. */
        Optional<Set<String>> variables(String image);
    }

    private void warn(Rule rule, Instruction at, String detail) {
        warn(rule, at.place().line(), at.lastLine(), detail);
    }

    private void warn(Rule rule, int line, int lastLine, String detail) {
        if (heeded.test(rule)) {
            warnings.add(new Warning(rule, line, lastLine, detail));
        }
    }

    // ---- the file as a whole

    private void written(Dockerfile file) {
        for (int line : file.emptyContinuations()) {
            warn(Rule.NO_EMPTY_CONTINUATION, line, line, "Empty continuation line");
        }
        for (Instruction one : file.instructions()) {
            if (one.word().equals("FROM") && one.words().size() > 2) {
                name(one);
            }
            if (one.word().equals("MAINTAINER")) {
                warn(Rule.MAINTAINER_DEPRECATED, one, "Maintainer instruction is deprecated in favor of using label");
            }
        }
    }

    private void name(Instruction from) {
        String written = from.words().get(2);
        if (!written.equals(written.toLowerCase(Locale.ROOT))) {
            warn(Rule.STAGE_NAME_CASING, from, "Stage name '" + written + "' should be lowercase");
        }
        String as = from.words().get(1);
        boolean lower = from.written().equals(from.written().toLowerCase(Locale.ROOT));
        if (!as.equals(lower ? as.toLowerCase(Locale.ROOT) : as.toUpperCase(Locale.ROOT))) {
            warn(Rule.FROM_AS_CASING, from, "'" + as + "' and '" + from.written() + "' keywords' casing do not match");
        }
    }

    private void casing(Dockerfile file) {
        long lower = count(file, String::toLowerCase);
        boolean lowerCase = lower > count(file, String::toUpperCase);
        boolean staged = false;
        for (Instruction one : file.instructions()) {
            staged |= one.word().equals("FROM");
            String right = lowerCase ? one.word().toLowerCase(Locale.ROOT) : one.word();
            if (staged && !one.written().equals(right)) {
                warn(
                        Rule.CONSISTENT_INSTRUCTION_CASING,
                        one,
                        "Command '" + one.written() + "' should match the case of the command majority ("
                                + (lowerCase ? "lowercase" : "uppercase") + ")");
            }
        }
    }

    private interface Casing {
        String of(String text, Locale locale);
    }

    private static long count(Dockerfile file, Casing casing) {
        return file.instructions().stream()
                .map(Instruction::written)
                .filter(written -> written.equals(casing.of(written, Locale.ROOT)))
                .count();
    }

    private void names(Stages stages) {
        Set<String> known = new HashSet<>();
        for (Stage stage : stages.all()) {
            Instruction from = stage.from();
            if (stage.name().isEmpty()) {
                continue;
            }
            if (RESERVED.contains(stage.name())) {
                warn(
                        Rule.RESERVED_STAGE_NAME,
                        from,
                        "Stage name should not use the same name as reserved stage " + GoWords.quoted(stage.name()));
            }
            if (!known.add(stage.name())) {
                warn(
                        Rule.DUPLICATE_STAGE_NAME,
                        from,
                        "Duplicate stage name " + GoWords.quoted(stage.name()) + ", stage names should be unique");
            }
        }
    }

    private void defaults(Stages stages) {
        Variables byDefault = Variables.outermost(Map.of(), Platform.host(), "");
        Words words = new Words(stages.dockerfile().escape());
        try {
            for (Instruction arg : stages.global()) {
                Stages.declare(arg, byDefault, words, Map.of());
            }
            for (Stage stage : stages.all()) {
                String written = stage.from().words().get(0);
                if (!isName(Stages.expand(stage.from(), written, words, Map.of(), byDefault))) {
                    warn(
                            Rule.INVALID_DEFAULT_ARG_IN_FROM,
                            stage.from(),
                            "Default value for ARG " + written + " results in empty or invalid base image name");
                }
            }
        } catch (DockerfileException e) {
            // What cannot be read without what the client gives is not judged.
            return;
        }
    }

    private static boolean isName(String image) {
        try {
            Reference.parse(image);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    // ---- stages

    private void stage(Stage stage) {
        known.enter(stage);
        Map<String, Instruction> once = new LinkedHashMap<>();
        boolean shell = false;
        boolean placed = false;
        for (Instruction one : stage.body()) {
            for (String name : known.undefined(one)) {
                warn(
                        Rule.UNDEFINED_VAR,
                        one,
                        "Usage of undefined variable '$" + name + "'"
                                + Suggestion.nearest(name, known.names())
                                        .map(near -> " (did you mean $" + near + "?)")
                                        .orElse(""));
            }
            known.after(one);
            switch (one.word()) {
                case "ENV", "LABEL" -> pairs(one);
                case "ARG" -> one.words().forEach(word -> secret(one, word.split("=", 2)[0]));
                case "SHELL" -> shell = true;
                case "WORKDIR" -> {
                    if (!placed && !one.rest().startsWith("/") && !one.rest().startsWith("$")) {
                        warn(
                                Rule.WORKDIR_RELATIVE_PATH,
                                one,
                                "Relative workdir " + GoWords.quoted(one.rest())
                                        + " can have unexpected results if the base image changes");
                    }
                    placed = true;
                }
                case "CMD", "ENTRYPOINT" -> {
                    single(one, once);
                    if (!one.json() && !shell) {
                        warn(
                                Rule.JSON_ARGS_RECOMMENDED,
                                one,
                                "JSON arguments recommended for " + one.written()
                                        + " to prevent unintended behavior related to OS signals");
                    }
                }
                case "HEALTHCHECK" -> single(one, once);
                case "EXPOSE" -> one.words().forEach(port -> port(one, port));
                default -> {}
            }
        }
    }

    private void from(Stages stages, Stage stage) {
        Instruction from = stage.from();
        String platform = from.flag("platform").orElse("");
        List<String> variables = Outline.variables(platform);
        if (variables.equals(List.of("TARGETPLATFORM")) && platform.matches("\\$(TARGETPLATFORM|\\{TARGETPLATFORM})")) {
            warn(
                    Rule.REDUNDANT_TARGET_PLATFORM,
                    from,
                    "Setting platform to predefined " + platform
                            + " in FROM is redundant as this is the default behavior");
        } else if (!platform.isEmpty() && variables.isEmpty() && !isNamedFor(stage, platform)) {
            warn(
                    Rule.FROM_PLATFORM_FLAG_CONST_DISALLOWED,
                    from,
                    "FROM --platform flag should not use constant value " + GoWords.quoted(platform));
        }
        Set<String> unknown = new HashSet<>(Outline.variables(from.words().get(0)));
        unknown.addAll(variables);
        unknown.removeIf(name -> stages.outer().isDeclared(name));
        for (String name : unknown) {
            warn(Rule.UNDEFINED_ARG_IN_FROM, from, "FROM argument '" + name + "' is not declared");
        }
    }

    /** A stage that says in its name for which platform it is may do so by that. */
    private static boolean isNamedFor(Stage stage, String platform) {
        for (String part : platform.split("/")) {
            if (stage.name().contains(part)) {
                return true;
            }
        }
        return false;
    }

    private void pairs(Instruction one) {
        boolean old = !one.rest().matches("(?s)[^\\s=]+=.*");
        for (int i = 0; i < one.words().size(); i += 2) {
            if (one.word().equals("ENV")) {
                secret(one, one.words().get(i));
            }
        }
        if (old) {
            warn(
                    Rule.LEGACY_KEY_VALUE_FORMAT,
                    one,
                    "\"" + one.written() + " key=value\" should be used instead of legacy \"" + one.written()
                            + " key value\" format");
        }
    }

    private void secret(Instruction one, String name) {
        if (SECRET.matcher(name).find() && !PUBLIC.matcher(name).find()) {
            warn(
                    Rule.SECRETS_USED_IN_ARG_OR_ENV,
                    one,
                    "Do not use ARG or ENV instructions for sensitive data (" + one.word() + " " + GoWords.quoted(name)
                            + ")");
        }
    }

    /** The one before is to blame, since it counts for nothing. */
    private void single(Instruction one, Map<String, Instruction> once) {
        Instruction before = once.put(one.word(), one);
        if (before != null) {
            warn(
                    Rule.MULTIPLE_INSTRUCTIONS_DISALLOWED,
                    before,
                    "Multiple " + one.written() + " instructions should not be used in the same stage because only"
                            + " the last one will be used");
        }
    }

    private void port(Instruction one, String port) {
        String protocol = port.substring(port.lastIndexOf('/') + 1);
        if (port.contains("/") && !protocol.contains("$") && !protocol.equals(protocol.toLowerCase(Locale.ROOT))) {
            warn(
                    Rule.EXPOSE_PROTO_CASING,
                    one,
                    "Defined protocol '" + port + "' in EXPOSE instruction should be lowercase");
        }
        if (port.contains(":") && !port.contains("$")) {
            warn(
                    Rule.EXPOSE_INVALID_FORMAT,
                    one,
                    "EXPOSE instruction should not define an IP address or host-port mapping, found '" + port + "'");
        }
    }
}
