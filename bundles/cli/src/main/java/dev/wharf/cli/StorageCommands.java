package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Where the files of images and containers are kept. */
@Command(
        name = "storage",
        description = "Tells which storage driver keeps what, and moves it to another.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {StorageCommands.Ls.class, StorageCommands.Df.class, StorageCommands.Migrate.class},
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf storage ls                        what lives where, and what is moving",
            "  wharf storage migrate --to erofs web    a stopped container and its image",
            "  wharf storage migrate --to btrfs --all  everything that does not run"
        })
final class StorageCommands extends CommandGroup {
    private static final String ROOT = "/wharf/v1/storage";

    /** What lives where. */
    @Command(
            name = "ls",
            description = "Lists images and containers with the driver that keeps them, and what is moving.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf storage ls", "  wharf storage ls --format json"})
    static final class Ls implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        Ls(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT));
            format.write(main, body, (answer, out) -> {
                Table table = new Table("KIND", "NAME", "DRIVER", "MOVING");
                for (Json one : answer.list("objects")) {
                    String target = one.text("movingTo");
                    table.row(
                            one.text("kind"),
                            one.text("name"),
                            one.joined("drivers"),
                            target.isEmpty() ? "" : "to " + target);
                }
                table.print(out);
                for (Json move : answer.list("moves")) {
                    if (!move.text("trouble").isEmpty()) {
                        out.line(move.text("kind") + " " + move.text("name") + ": " + move.text("trouble"));
                    }
                }
            });
            return Main.OK;
        }
    }

    /** How much. */
    @Command(
            name = "df",
            description = "Shows how much each driver keeps.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf storage df", "  wharf storage df --format json"})
    static final class Df implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        Df(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT + "/df"));
            format.write(main, body, (answer, out) -> {
                Table table = new Table("DRIVER", "LAYERS", "SIZE", "CONTAINERS", "SIZE", "TO BE REMOVED");
                for (Json one : answer.list("drivers")) {
                    table.row(
                            one.text("name"),
                            one.text("layers"),
                            size(one.text("layerBytes")),
                            one.text("containers"),
                            size(one.text("containerBytes")),
                            one.text("originals").equals("0") ? "" : one.text("originals") + " originals");
                }
                table.print(out);
            });
            return Main.OK;
        }

        private static String size(String bytes) {
            double size = Long.parseLong(bytes);
            String[] units = {"B", "kB", "MB", "GB", "TB"};
            int unit = 0;
            while (size >= 1000 && unit < units.length - 1) {
                size /= 1000;
                unit++;
            }
            return unit == 0 ? bytes + " B" : String.format(java.util.Locale.ROOT, "%.1f %s", size, units[unit]);
        }
    }

    /** Moves it. */
    @Command(
            name = "migrate",
            description =
                    "Moves images and stopped containers to another driver, with every layer they stand on. It goes"
                            + " on when this command is interrupted, and after a restart of the agent.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {
                "  wharf storage migrate --to erofs busybox:latest   an image",
                "  wharf storage migrate --to btrfs --all --detach   everything that does not run, in the background"
            })
    static final class Migrate implements Callable<Integer> {
        private static final long PAUSE_MILLIS = 200;

        private final Main main;

        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Parameters(paramLabel = "NAME", arity = "0..*", description = "containers and images")
        private List<String> names = new ArrayList<>();

        @Option(names = "--to", required = true, paramLabel = "DRIVER", description = "the driver to move them to")
        private String to = "";

        @Option(names = "--all", description = "every image, and every container that does not run")
        private boolean all;

        @Option(
                names = {"-d", "--detach"},
                description = "do not wait for the end")
        private boolean detach;

        Migrate(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException, InterruptedException {
            if (names.isEmpty() != all) {
                throw new ParameterException(
                        spec.commandLine(), all ? "give names or --all, not both" : "give names, or --all");
            }
            String body = main.agent()
                    .post(new Request(ROOT + "/migrate")
                            .with("to", to)
                            .with("what", String.join(",", names))
                            .with("all", all ? "1" : ""));
            try (Output out = new Output(main.surroundings())) {
                if (body.isBlank()) {
                    out.line("nothing to move: all of it lives with " + to + " already, or is on its way there");
                    return Main.OK;
                }
                Json answer = Json.read(body);
                for (Json skipped : answer.list("skipped")) {
                    out.line("left out: " + skipped.text());
                }
                return detach ? Main.OK : watch(answer, out);
            }
        }

        /** Prints each step forward until nothing is left to copy. */
        private int watch(Json begun, Output out) throws IOException, InterruptedException {
            Set<String> seen = new HashSet<>();
            int most = 0;
            for (; ; Thread.sleep(PAUSE_MILLIS)) {
                Json now = Json.read(main.agent().text(new Request(ROOT)));
                int left = 0;
                for (Json move : now.list("moves")) {
                    boolean ours = move.text("to").equals(to) && !move.isTrue("copied");
                    left += ours ? 1 : 0;
                    if (ours
                            && seen.add(move.text("snapshot") + move.text("trouble"))
                            && !move.text("trouble").isEmpty()) {
                        out.line(move.text("kind") + " " + move.text("name") + ": " + move.text("trouble"));
                    }
                }
                most = Math.max(most, left);
                if (seen.add("left " + left)) {
                    out.line((most - left) + " of " + most + " snapshots copied");
                    out.flush();
                }
                if (left == 0) {
                    return verdict(begun, now, out);
                }
            }
        }

        private int verdict(Json begun, Json now, Output out) throws IOException {
            Set<String> wanted = new HashSet<>();
            begun.list("objects").forEach(id -> wanted.add(id.text()));
            int result = Main.OK;
            for (Json one : now.list("objects")) {
                if (wanted.contains(one.text("id"))) {
                    boolean moved = one.joined("drivers").equals(to)
                            || one.joined("drivers").isEmpty();
                    out.line(one.text("kind") + " " + one.text("name") + " "
                            + (moved
                                    ? "lives with " + to
                                    : "was not moved; wharf history " + one.text("name") + " tells why"));
                    result = moved ? result : Main.FAILED;
                }
            }
            return result;
        }
    }
}
