package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The jobs that keep the host tidy. */
@Command(
        name = "jobs",
        description = "Tells which jobs keep the host tidy, when, and how they went, and has one run now.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {JobsCommands.Ls.class, JobsCommands.RunNow.class},
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf jobs ls                  every job, its schedule, and its last run",
            "  wharf jobs run journal         write a checkpoint now, and trim",
            "  wharf jobs run gc --dry-run    what gc would remove"
        })
final class JobsCommands extends CommandGroup {
    /** Which there are. */
    @Command(
            name = "ls",
            description = "Lists the jobs with their schedules and last runs.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf jobs ls", "  wharf jobs ls --format json"})
    static final class Ls implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        Ls(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request("/wharf/v1/jobs"));
            format.write(main, body, (answer, out) -> {
                Times times = Times.local();
                Table table = new Table("NAME", "SCHEDULE", "NEXT", "LAST", "RESULT", "");
                for (Json job : answer.list("jobs")) {
                    Json last = job.at("last");
                    table.row(
                            job.text("name"),
                            job.text("schedule").isEmpty() ? "by hand" : job.text("schedule"),
                            when(times, job.text("next")),
                            when(times, last.text("at")),
                            job.at("running").fields().isEmpty()
                                    ? last.text("result") + (last.isTrue("dryRun") ? ", dry run" : "")
                                    : "runs now",
                            last.text("summary").isEmpty() ? job.text("what") : last.text("summary"));
                }
                table.print(out);
                for (Json job : answer.list("jobs")) {
                    if (!job.text("trouble").isEmpty()) {
                        out.line(out.bad(job.text("trouble")));
                    }
                }
            });
            return Main.OK;
        }

        private static String when(Times times, String at) {
            return at.isEmpty() ? "" : times.day(at) + " " + times.clock(at);
        }
    }

    /** Has one run. */
    @Command(
            name = "run",
            description =
                    "Has a job run now, and tells what it does. The run goes on when this command is interrupted.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf jobs run survey", "  wharf jobs run journal --set size=500MB"})
    static final class RunNow implements Callable<Integer> {
        private final Main main;

        @Parameters(paramLabel = "JOB", description = "its name; wharf jobs ls shows them")
        private String job = "";

        @Option(names = "--dry-run", description = "tell what it would do, where the job can")
        private boolean dryRun;

        @Option(
                names = "--set",
                paramLabel = "SETTING=VALUE",
                description = "a setting of the job for this run alone, without the job's name")
        private Map<String, String> settings = Map.of();

        @Mixin
        private Format format = new Format();

        RunNow(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException, InterruptedException {
            Map<String, String> options = new LinkedHashMap<>(settings);
            if (dryRun) {
                options.put("dry-run", "true");
            }
            return new Run(main, job, format).follow(options);
        }
    }
}
