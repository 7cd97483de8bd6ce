package dev.wharf.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/**
 * The fleet in the list of commands. What it does needs Kafka's client, which this class path does without, so the script that
 * starts us takes it before we do; only where another option stands before it does it come here.
 */
@Command(
        name = "fleet",
        description = "Shows and commands every host over Kafka; wharf fleet --help tells more.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf fleet ps                   containers of every host",
            "  wharf fleet at 15m               the fleet as it was a quarter of an hour ago",
            "  wharf fleet verify               whether what was published is whole"
        })
final class FleetCommand implements Callable<Integer> {
    @Unmatched
    private List<String> words = new ArrayList<>();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(
                spec.commandLine(), "nothing may stand before fleet: wharf fleet " + String.join(" ", words));
    }
}
