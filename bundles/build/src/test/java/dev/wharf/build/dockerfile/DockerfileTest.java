package dev.wharf.build.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DockerfileTest {
    private static Dockerfile parse(String... lines) throws DockerfileException {
        return Dockerfile.parse("Dockerfile", String.join("\n", lines));
    }

    private static Instruction only(String... lines) throws DockerfileException {
        List<Instruction> all = parse(lines).instructions();
        assertThat(all).hasSize(1);
        return all.get(0);
    }

    private static void refused(String words, String... lines) {
        assertThatThrownBy(() -> parse(lines))
                .isInstanceOf(DockerfileException.class)
                .hasMessageContaining(words);
    }

    @Test
    void aContinuedLineIsOneInstructionAndCommentsInItAreNone() throws DockerfileException {
        Instruction run = only("RUN one && \\", "# not this", "", "    two  \\  ", "  three");

        assertThat(run.code()).isEqualTo("RUN one &&     two    three");
        assertThat(run.words()).containsExactly("one &&     two    three");
    }

    @Test
    void anEscapedEscapeContinuesNothing() throws DockerfileException {
        assertThat(parse("RUN echo \\\\", "RUN two").instructions()).hasSize(2);
    }

    @Test
    void anEmptyLineInAContinuationIsWarnedOf() throws DockerfileException {
        assertThat(parse("RUN a \\", "", "b").warnings())
                .singleElement()
                .asString()
                .contains("Empty continuation line");
    }

    @Test
    void directivesStandAtTheTopOnly() throws DockerfileException {
        Dockerfile file = parse("# syntax=docker/dockerfile:1", "#Escape = `", "FROM x", "RUN a `", " b");

        assertThat(file.directives())
                .containsEntry("syntax", "docker/dockerfile:1")
                .containsEntry("escape", "`");
        assertThat(file.escape()).isEqualTo('`');
        assertThat(file.instructions().get(1).rest()).isEqualTo("a  b");
        assertThat(parse("# a comment", "# escape=`", "FROM x").escape()).isEqualTo('\\');
        assertThat(parse("# unknown=1", "# escape=`", "FROM x").escape()).isEqualTo('\\');
    }

    @Test
    void directivesAreCheckedAndUnique() {
        refused("only one escape parser directive can be used", "# escape=\\", "# escape=`", "FROM x");
        refused("invalid ESCAPE 'x'. Must be ` or \\", "# escape=x", "FROM x");
    }

    @Test
    void theExecFormIsJsonAndWhatIsNoJsonIsForAShell() throws DockerfileException {
        assertThat(only("RUN [\"a\", \"b c\"]").words()).containsExactly("a", "b c");
        assertThat(only("RUN [\"a\", \"b c\"]").json()).isTrue();
        assertThat(only("RUN ['a']").json()).isFalse();
        assertThat(only("RUN [ -f x ] && y").json()).isFalse();
        assertThat(only("CMD []").json()).isTrue();
        refused("arrays must be comprised of strings only", "CMD [\"a\", 1]");
    }

    @Test
    void flagsComeBeforeArgumentsAndAreKnown() throws DockerfileException {
        Instruction copy = only("COPY --from=x --chown=a:b --link a b");

        assertThat(copy.flag("from")).isEqualTo(Optional.of("x"));
        assertThat(copy.flag("link")).isEqualTo(Optional.of(""));
        assertThat(copy.isSet("link")).isTrue();
        assertThat(copy.words()).containsExactly("a", "b");
        assertThat(only("RUN --mount=type=cache,target=/a --mount=type=tmpfs,target=/b x")
                        .flags("mount"))
                .hasSize(2);
        assertThat(only("CMD --help").words()).containsExactly("--help");
        refused("unknown flag: --chwon (did you mean chown?)", "COPY --chwon=x a b");
        refused("duplicate flag specified: --from", "COPY --from=x --from=y a b");
        refused("missing a value on flag: --chown", "COPY --chown a b");
    }

    @Test
    void hereDocumentsBelongToTheirInstruction() throws DockerfileException {
        List<Instruction> all = parse(
                        "RUN <<EOF", "a $b", "EOF", "COPY <<-\"x\" <<y /d/", "\tone", "x", "two", "y", "CMD z")
                .instructions();

        assertThat(all).hasSize(3);
        assertThat(all.get(0).heredocs()).containsExactly(new Heredoc("EOF", true, false, "a $b\n"));
        assertThat(all.get(1).heredocs())
                .containsExactly(new Heredoc("x", false, true, "one\n"), new Heredoc("y", true, false, "two\n"));
        refused("unterminated heredoc", "RUN <<EOF", "a");
    }

    @Test
    void pairsHaveAnOldFormAndANewOne() throws DockerfileException {
        assertThat(only("ENV a=1 b=\"2 3\" c='4 5'").words()).containsExactly("a", "1", "b", "\"2 3\"", "c", "'4 5'");
        assertThat(only("ENV a 1 b=2").words()).containsExactly("a", "1 b=2");
        refused("ENV must have two arguments", "ENV a");
        refused("can't find = in \"b\"", "ENV a=1 b");
        refused("ENV names can not be blank", "ENV =1 a=2");
    }

    @Test
    void mistakesAreShownWhereTheyAre() {
        assertThatThrownBy(() -> parse("FROM x", "  RNU echo"))
                .hasMessage("dockerfile parse error on line 2: unknown instruction: RNU (did you mean RUN?)\n"
                        + "Dockerfile:2:3\n    2 |   RNU echo\n      |   ^");
        refused("COPY requires at least two arguments, but only one was provided", "FROM x", "COPY a");
        refused("FROM requires either one or three arguments", "FROM x AS");
        refused("Dockerfile:3:1: SHELL", "FROM x", "RUN long", "SHELL /bin/sh -c");
        refused("SHELL requires at least one argument", "FROM x", "SHELL []");
        refused("Unknown type \"FOO\" in HEALTHCHECK (try CMD)", "FROM x", "HEALTHCHECK FOO");
        refused("Missing command after HEALTHCHECK CMD", "FROM x", "HEALTHCHECK CMD");
        refused("HEALTHCHECK NONE takes no arguments", "FROM x", "HEALTHCHECK NONE x");
        refused("invalid duration \"1\" for --interval", "FROM x", "HEALTHCHECK --interval=1 CMD x");
        refused("Interval \"timeout\" cannot be less than 1ms", "FROM x", "HEALTHCHECK --timeout=1us CMD x");
        refused("--retries cannot be negative (-1)", "FROM x", "HEALTHCHECK --retries=-1 CMD x");
        refused("ARG names can not be blank", "FROM x", "ARG =x");
        refused("VOLUME specified can not be an empty string", "FROM x", "VOLUME [\"\"]");
        refused("file with no instructions", "# nothing");
        refused("ONBUILD requires at least one argument", "ONBUILD");
        refused("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", "ONBUILD ONBUILD RUN x");
        refused("MAINTAINER isn't allowed as an ONBUILD trigger", "ONBUILD MAINTAINER x");
    }

    @Test
    void aTriggerOfAnUnknownWordIsRefusedWhenItFires() throws Exception {
        assertThat(Dockerfile.parse("Dockerfile", "FROM x\nONBUILD LATER y").instructions())
                .hasSize(2);
        assertThatThrownBy(() -> Dockerfile.trigger("LATER y")).hasMessageContaining("unknown instruction: LATER");
    }

    /** Whatever comes, it is read or refused, and soon. */
    @Test
    void noiseIsReadOrRefusedAndNeverAFault() {
        String[] pieces = {
            "FROM ",
            "RUN ",
            "COPY ",
            "ADD ",
            "ENV ",
            "ARG ",
            "LABEL ",
            "HEALTHCHECK ",
            "ONBUILD ",
            "SHELL ",
            "--from=",
            "--mount=",
            "<<EOF",
            "EOF",
            "\n",
            "\\\n",
            "`\n",
            "# escape=`\n",
            "$",
            "${",
            "}",
            ":-",
            ":?",
            "\"",
            "'",
            "[",
            "]",
            ",",
            "=",
            " ",
            "\t",
            "\r\n",
            "\u0000",
            "\uFEFF",
            "x",
            "..",
            "/",
            "*",
            "#"
        };
        for (long seed = 0; seed < 20_000; seed++) {
            Random chance = new Random(seed);
            StringBuilder text = new StringBuilder(chance.nextBoolean() ? "FROM x\n" : "");
            for (int i = chance.nextInt(40); i > 0; i--) {
                text.append(pieces[chance.nextInt(pieces.length)]);
            }
            try {
                Dockerfile file = Dockerfile.parse("f", text.toString());
                Words words = new Words(file.escape());
                for (Instruction one : file.instructions()) {
                    words.expand(one.rest(), name -> Optional.of("v" + name));
                    words.expandAll(one.rest(), name -> Optional.empty());
                }
            } catch (DockerfileException | Words.ExpansionException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }
}
