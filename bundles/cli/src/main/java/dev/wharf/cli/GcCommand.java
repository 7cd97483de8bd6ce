package dev.wharf.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Collects what is of no use by the policy of the settings, or by another. */
@Command(
        name = "gc",
        description =
                "Removes images and cached steps of builds that are of no use any more, with the reason for each. The"
                        + " policy is that of the settings (dev.wharf.housekeeping.cfg); options change it for this run."
                        + " What a container, kept or running, was made of, and what another image stands on, always"
                        + " stays.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf gc --dry-run                                    what would go by the settings, and why",
            "  wharf gc                                              do it now",
            "  wharf gc --dry-run --unused-for 7d                    what nobody used for a week",
            "  wharf gc --keep-storage 20GB                          the longest unused, until images take 20 GB",
            "  wharf gc --images dangling --unused-for 1h            only images without a name",
            "  wharf gc --keep-reference 'registry.example/base/*'   but none of these",
            "  wharf gc --dry-run --format json                      for programs"
        })
final class GcCommand implements Callable<Integer> {
    private final Main main;

    @Option(names = "--dry-run", description = "show what would go, and why, and remove nothing")
    private boolean dryRun;

    @Option(
            names = "--images",
            paramLabel = "WHICH",
            description = "unused (all that no container uses), dangling (without a name) or none")
    private String images = "";

    @Option(names = "--unused-for", paramLabel = "TIME", description = "what was not used for longer goes: 12h, 30d")
    private String unusedFor = "";

    @Option(
            names = "--keep-storage",
            paramLabel = "SIZE",
            description = "what images may take, past which the longest unused go: 20GB, 60%%")
    private String keepStorage = "";

    @Option(names = "--min-age", paramLabel = "TIME", description = "what is younger stays in any case")
    private String minAge = "";

    @Option(names = "--keep-label", paramLabel = "LABEL", description = "images with it stay: name or name=value")
    private List<String> keepLabels = List.of();

    @Option(names = "--keep-reference", paramLabel = "NAME", description = "images called so stay; * for anything")
    private List<String> keepReferences = List.of();

    @Option(
            names = "--cache-unused-for",
            paramLabel = "TIME",
            description = "steps that no build used for longer go: 14d")
    private String cacheUnusedFor = "";

    @Option(
            names = "--cache-keep-storage",
            paramLabel = "SIZE",
            description = "what the cache of builds may take: 10GB, 10%%")
    private String cacheKeepStorage = "";

    @Mixin
    private Format format = new Format();

    GcCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("dry-run", dryRun ? "true" : "");
        options.put("images", images);
        options.put("unused.for", unusedFor);
        options.put("keep.storage", keepStorage);
        options.put("min.age", minAge);
        options.put("keep.labels", String.join(",", keepLabels));
        options.put("keep.references", String.join(",", keepReferences));
        options.put("cache.unused.for", cacheUnusedFor);
        options.put("cache.keep.storage", cacheKeepStorage);
        options.values().removeIf(String::isEmpty);
        return new Run(main, "gc", format).follow(options);
    }
}
