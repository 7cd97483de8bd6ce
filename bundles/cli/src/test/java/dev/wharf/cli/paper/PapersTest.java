package dev.wharf.cli.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

class PapersTest {
    @Command(
            name = "ship",
            description = "Sails. Or does not.",
            subcommands = Load.class,
            footer = {"  ship load   takes it's cargo", ".ends with a dot"})
    static final class Ship {}

    @Command(name = "load", description = "Loads: 50%% at a time.%nOr all.")
    static final class Load {
        @Option(
                names = {"-n", "--number"},
                paramLabel = "COUNT",
                description = "how many")
        int number;

        @Option(names = "--all", description = "everything that's there")
        boolean all;

        @Option(names = "--secret", hidden = true)
        boolean secret;

        @Parameters(paramLabel = "CARGO", description = "what")
        String cargo = "";
    }

    private final CommandLine line = new CommandLine(new Ship());

    @Test
    void everyCommandHasAPageWithItsWordsEscaped() {
        Map<String, String> pages = ManPages.of(line, "1.0");

        assertThat(pages).containsOnlyKeys("ship", "ship-load");
        assertThat(pages.get("ship"))
                .startsWith(".TH SHIP 1 \"\" \"Wharf 1.0\" \"Wharf\"\n")
                .contains(".SH NAME\nship \\- Sails\n", "\\fBship\\-load\\fR(1)\nLoads: 50% at a time. Or all.\n")
                .contains("\n\\&.ends with a dot\n");
        assertThat(pages.get("ship-load"))
                .contains("\\fB\\-n\\fR, \\fB\\-\\-number\\fR \\fICOUNT\\fR\nhow many\n")
                .contains(".SH ARGUMENTS\n.TP\n\\fICARGO\\fR\nwhat\n")
                .doesNotContain("secret");
    }

    @Test
    void theDaemonsPageIsItsHelp() {
        String page = ManPages.ofDaemon("""
                wharfd 1.0: a container engine

                Usage: wharfd [options]

                  -H, --host ADDRESS   where to listen
                                       and more
                      --bip CIDR       an address

                Examples:
                  wharfd

                Exit status: 0 when all is well.
                """, "1.0");

        assertThat(page)
                .contains("wharfd \\- a container engine")
                .contains(
                        ".TP\n\\fB\\-H, \\-\\-host ADDRESS\\fR\nwhere to listen\nand more\n.TP\n\\fB\\-\\-bip CIDR\\fR\n")
                .contains(".SH EXIT STATUS\n0 when all is well.");
    }

    @Test
    void fishKnowsEachPlace() {
        assertThat(Completions.of(Completions.Shell.FISH, line))
                .contains("complete -c ship -n '__ship_at \"\"' -f -a load -d 'Loads: 50% at a time'")
                .contains("complete -c ship -n '__ship_at \"/load\"' -s n -l number -r -d 'how many'")
                .contains("-l all -d 'everything that\\'s there'")
                .doesNotContain("secret");
    }

    @Test
    void zshKnowsEachPlace() {
        assertThat(Completions.of(Completions.Shell.ZSH, line))
                .startsWith("#compdef ship\n")
                .contains("'load:Loads\\: 50% at a time'", "(/load) at=", "'--all:everything that'\\''s there'");
    }

    @Test
    void bashKnowsTheCommand() {
        assertThat(Completions.of(Completions.Shell.BASH, line)).contains("complete -F _complete_ship", "--number");
    }
}
