package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A run of a job that this command had begin: followed to its end, and shown. */
final class Run {
    private static final String ROOT = "/wharf/v1/jobs";
    private static final long BEAT_MILLIS = 100;
    private static final long LINE_EVERY_NANOS = 5_000_000_000L;

    private final Main main;
    private final String job;
    private final Format format;

    Run(Main main, String job, Format format) {
        this.main = main;
        this.job = job;
        this.format = format;
    }

    /** Has the job run, tells how far it is, and answers the exit status. An interrupted command leaves the run going. */
    int follow(Map<String, String> options) throws IOException, InterruptedException {
        Request request = new Request(ROOT + "/" + Request.encode(job) + "/run");
        options.forEach(request::with);
        String run = Json.read(main.agent().post(request)).text("run");
        String body;
        Json report;
        String told = "";
        long toldAt = System.nanoTime();
        while (true) {
            body = main.agent().text(new Request(ROOT + "/runs/" + run));
            report = Json.read(body);
            if (!report.at("ended").fields().isEmpty()) {
                break;
            }
            String progress = report.text("progress");
            boolean due = main.surroundings().isTerminal() || System.nanoTime() - toldAt > LINE_EVERY_NANOS;
            if (due && !progress.equals(told)) {
                tell(progress);
                told = progress;
                toldAt = System.nanoTime();
            }
            Thread.sleep(BEAT_MILLIS);
        }
        if (main.surroundings().isTerminal() && !told.isEmpty()) {
            tell("");
        }
        report = format.write(main, body, Run::show);
        return report.at("ended").text("result").equals("done") ? Main.OK : Main.FAILED;
    }

    /** Over the line before where a person looks, else as a line of its own. */
    private void tell(String progress) throws IOException {
        OutputStream err = main.surroundings().err();
        String text = main.surroundings().isTerminal() ? "\r\u001b[K" + progress : job + ": " + progress + "\n";
        err.write(text.getBytes(StandardCharsets.UTF_8));
        err.flush();
    }

    private static void show(Json report, Output out) throws IOException {
        if (!report.list("lines").isEmpty()) {
            Table table = new Table("KIND", "NAME", "ID", "SIZE", "WHY");
            for (Json line : report.list("lines")) {
                String name = line.text("name").replaceAll("\\s+", " ");
                table.row(
                        line.text("kind"),
                        name.length() > 48 ? name.substring(0, 47) + "…" : name,
                        PsCommand.brief(line.text("id")),
                        PruneCommand.size(line.text("sizeBytes")),
                        line.text("reason"));
            }
            table.print(out);
            out.line("");
        }
        Json ended = report.at("ended");
        String words = ended.text("summary");
        out.line(ended.text("result").equals("done") ? words : out.bad(ended.text("result") + ": " + words));
    }
}
