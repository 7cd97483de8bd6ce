package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Removes what nobody uses, but only what was shown before. */
@Command(
        name = "prune",
        description =
                "Removes what nobody uses, in two steps: --dry-run shows what would go and gives a token, and --plan"
                        + " removes exactly that. When anything of it has changed meanwhile, nothing goes, and it says what changed.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf prune --dry-run                                   stopped containers, dangling images, networks",
            "  wharf prune --dry-run --kind image --all-images         every image that no container uses",
            "  wharf prune --dry-run --kind volume --all-volumes       named volumes, too",
            "  wharf prune --dry-run --before 30d                      only what is older than thirty days",
            "  wharf prune --plan 1041-cin-x-0-8f14e45fceea            do what that plan showed"
        })
final class PruneCommand implements Callable<Integer> {
    private final Main main;

    @Option(names = "--dry-run", description = "show what would go, and a token for it")
    private boolean dryRun;

    @Option(names = "--plan", paramLabel = "TOKEN", description = "remove what the plan showed, or nothing")
    private String plan = "";

    @Option(
            names = "--kind",
            paramLabel = "KIND",
            split = ",",
            description = "container, image, network, volume; may be repeated (container, image and network)")
    private List<String> kinds = List.of();

    @Option(names = "--all-images", description = "also images with names")
    private boolean allImages;

    @Option(names = "--all-volumes", description = "also volumes that somebody named")
    private boolean allVolumes;

    @Option(
            names = "--before",
            paramLabel = "TIME",
            description = "only what was made before: 30d, 2026-05-01T10:30:00Z")
    private String before = "";

    @Mixin
    private Format format = new Format();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    PruneCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        if (dryRun == !plan.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "either --dry-run or --plan TOKEN: nothing goes that was not shown before");
        }
        if (!plan.isEmpty() && (allImages || allVolumes || !kinds.isEmpty() || !before.isEmpty())) {
            throw new ParameterException(
                    spec.commandLine(), "--plan TOKEN says it all; the other options made the plan");
        }
        String body = dryRun
                ? main.agent()
                        .text(new Request("/wharf/v1/prune")
                                .with("kind", String.join(",", kinds))
                                .with("all-images", allImages ? "true" : "")
                                .with("all-volumes", allVolumes ? "true" : "")
                                .with("before", time()))
                : main.agent().post(new Request("/wharf/v1/prune").with("plan", plan));
        Json answer = format.write(main, body, this::show);
        return answer.list("left").isEmpty() ? Main.OK : Main.FAILED;
    }

    private String time() {
        return before.isEmpty()
                ? ""
                : Times.local()
                        .instantOf(before, java.time.Instant.now())
                        .map(Object::toString)
                        .orElseThrow(() -> new ParameterException(
                                spec.commandLine(), "--before " + before + ": expected 30d or 2026-05-01T10:30:00Z"));
    }

    private void show(Json answer, Output out) throws IOException {
        List<Json> items = answer.list("items");
        if (items.isEmpty()) {
            out.line("there is nothing to remove");
            return;
        }
        Table table = new Table("KIND", "NAME", "ID", "SIZE", "");
        for (Json item : items) {
            String id = PsCommand.brief(item.text("id"));
            String name = item.text("name");
            table.row(
                    item.text("kind"),
                    name,
                    item.text("id").equals(name) ? "" : id,
                    size(item.text("sizeBytes")),
                    item.text("kind").equals("container") ? item.text("standing") : "");
        }
        table.print(out);
        out.line("");
        if (dryRun) {
            out.line("Nothing was removed. This would give back " + size(answer.text("reclaimableBytes")) + ":");
            out.line("  wharf prune --plan " + answer.text("token"));
            return;
        }
        out.line("Removed, which gave back " + size(answer.text("reclaimedBytes")) + ".");
        if (!answer.list("left").isEmpty()) {
            out.line(out.bad("Still on its way out: " + answer.joined("left") + " (wharf explain NAME says why)"));
        }
    }

    /** Decimal units, as registries and disks count. */
    static String size(String number) {
        double value = number.isEmpty() ? 0 : Double.parseDouble(number);
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? (long) value + " B" : String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }
}
