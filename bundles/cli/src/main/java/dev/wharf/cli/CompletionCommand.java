package dev.wharf.cli;

import dev.wharf.cli.paper.Completions;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** What a shell has to know to complete this command. */
@Command(
        name = "completion",
        description = "Prints what a shell needs to complete wharf's commands and options: bash, zsh or fish.",
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  source <(wharf completion bash)          for this shell",
            "  wharf completion fish > ~/.config/fish/completions/wharf.fish",
            "  wharf completion zsh > ~/.zfunc/_wharf   in a folder of fpath"
        })
final class CompletionCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish")
    private Completions.Shell shell = Completions.Shell.BASH;

    CompletionCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        try (Output out = new Output(main.surroundings())) {
            out.line(Completions.of(shell, Main.line(main.surroundings())).stripTrailing());
        }
        return Main.OK;
    }
}
