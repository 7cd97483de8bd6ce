package dev.wharf.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Reads what is stored again. */
@Command(
        name = "scrub",
        description =
                "Reads what is stored again and compares it with what it should be. A blob that is not what its digest"
                        + " says is moved aside, and the next pull of its image brings it anew. Ends with 1 where there is"
                        + " damage.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf scrub                     images, layers and journal, by the settings",
            "  wharf scrub --dry-run --images  only look, and only at images",
            "  wharf scrub --journal           only the journal's chain",
            "  wharf scrub --rate 500          faster: up to 500 MiB a second"
        })
final class ScrubCommand implements Callable<Integer> {
    private final Main main;

    @Option(names = "--dry-run", description = "tell of damage and change nothing")
    private boolean dryRun;

    @Option(names = "--images", description = "blobs of images")
    private boolean images;

    @Option(names = "--layers", description = "unpacked layers, where their storage driver can tell what it keeps")
    private boolean layers;

    @Option(names = "--journal", description = "the journal's chain")
    private boolean journal;

    @Option(names = "--rate", paramLabel = "MIB", description = "read at most so many MiB a second")
    private String rate = "";

    @Mixin
    private Format format = new Format();

    ScrubCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<String> what = new ArrayList<>();
        if (images) what.add("images");
        if (layers) what.add("layers");
        if (journal) what.add("journal");
        Map<String, String> options = new LinkedHashMap<>();
        options.put("dry-run", dryRun ? "true" : "");
        options.put("what", String.join(",", what));
        options.put("rate.mib", rate);
        options.values().removeIf(String::isEmpty);
        return new Run(main, "scrub", format).follow(options);
    }
}
