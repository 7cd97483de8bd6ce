package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a journal makes possible: the past, reasons, plans that are kept to, and having back what was removed. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class HindsightIT {
    @TempDir
    private static Path folder;

    private static Daemon agent;

    @BeforeAll
    static void start() throws Exception {
        Path config = Files.createDirectory(folder.resolve("config"));
        Files.writeString(config.resolve("wharfd.conf"), "wharf.undelete.retention = 10m\n");
        agent = SharedAgent.withBusybox(folder.resolve("agent"), "--config-dir", config.toString());
    }

    @AfterAll
    static void stop() throws Exception {
        if (agent != null) agent.close();
    }

    private static String docker(String... words) throws Exception {
        return agent.docker(words).outOrThrow().strip();
    }

    private static String wharf(String... words) throws Exception {
        return agent.wharf(words).outOrThrow();
    }

    private static String position() throws Exception {
        return field(agent.curl("/wharf/v1/journal/facts").outOrThrow(), "end");
    }

    /** The first value of a field in a JSON text. */
    private static String field(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(json);
        assertThat(found.find()).as(name + " in " + json).isTrue();
        return found.group(1);
    }

    @Test
    void theHostIsShownAsItWasAndWhatChangedSince() throws Exception {
        docker("run", "-d", "--name", "past", "--memory", "64m", "busybox", "sleep", "1000");
        String before = position();
        docker("update", "--memory", "96m", "--memory-swap", "192m", "past");
        docker("rename", "past", "present");
        docker("volume", "create", "news");
        docker("kill", "present");

        assertThat(wharf("ps", "--at", before)).contains("past").doesNotContain("present");
        assertThat(wharf("ps")).doesNotContain("present");
        assertThat(wharf("ps", "-a")).contains("present", "Exited (137)");
        String then = wharf("inspect", "past", "--at", before, "--format", "json");
        assertThat(then).contains("\"Status\":\"running\"", "\"Memory\":67108864");
        Outcome early = agent.wharf("inspect", "present", "--at", before);
        assertThat(early.status()).isEqualTo(1);
        assertThat(early.err()).contains("no container, image, network or volume was called present at");

        assertThat(wharf("diff", before))
                .containsPattern("name +past -> present")
                .containsPattern("state +running -> exited")
                .containsPattern("memory +67108864 -> 100663296")
                .contains("+ volume news");
        assertThat(agent.wharf("diff", before, before).outOrThrow()).contains("nothing changed");
        assertThat(wharf("diff", before, "--format", "json")).contains("\"change\":\"added\"");
        assertThat(agent.wharf("ps", "--at", "1d").err()).contains("the journal begins at");
        assertThat(agent.wharf("ps", "--at", "999999").err()).contains("is not written yet");
        assertThat(agent.wharf("ps", "--at", "2199-01-01T00:00:00Z").err()).contains("is still to come");
        assertThat(agent.wharf("undelete", "present", "--kind", "image").err())
                .contains("expected container or volume");
        assertThat(agent.wharf("inspect", "present", "--kind", "cotnainer").err())
                .contains("expected container, image, network or volume");
        docker("rm", "present");
    }

    @Test
    void whyTellsWhoAskedAndHowEachEndCameAbout() throws Exception {
        docker(
                "run",
                "-d",
                "--name",
                "stopped",
                "busybox",
                "sh",
                "-c",
                "trap 'exit 7' TERM; while :; do sleep 0.1; done");
        Thread.sleep(300);
        docker("stop", "stopped");
        String why = wharf("why", "stopped", "--format", "json");
        String end = why.substring(why.indexOf("\"end\":"));
        assertThat(field(end, "cause")).isEqualTo("stopped");
        assertThat(field(end, "exitCode")).isEqualTo("7");
        assertThat(field(end, "killedAfterGrace")).isEqualTo("false");
        assertThat(end).containsPattern("\"details\":\\{[^}]*\"uid\":\"0\"").containsPattern("\"pid\":\"\\d+\"");
        assertThat(wharf("why", "stopped")).contains("asked by root (docker) [uid 0, gid 0, pid ");

        docker("run", "-d", "--name", "alone", "busybox", "sh", "-c", "exit 3");
        docker("wait", "alone");
        assertThat(wharf("why", "alone")).contains("ended by itself with code 3");

        docker("run", "-d", "--name", "murdered", "busybox", "sleep", "1000");
        Outcome.of("kill", "-9", docker("inspect", "-f", "{{.State.Pid}}", "murdered"))
                .outOrThrow();
        docker("wait", "murdered");
        assertThat(wharf("why", "murdered")).contains("SIGKILL, which nobody sent through Wharf");

        docker("run", "-d", "--name", "greedy", "--memory", "16m", "busybox", "sh", "-c", "tail /dev/zero");
        docker("wait", "greedy");
        assertThat(wharf("why", "greedy")).contains("ran out of memory", "its limit was 16 MiB", "out of memory");

        docker("rm", "stopped", "alone", "murdered", "greedy");
        assertThat(wharf("why", "greedy"))
                .as("the journal knows what is gone")
                .contains("State    gone", "ran out of memory");
        assertThat(agent.wharf("why", "nobody").status()).isEqualTo(1);
    }

    @Test
    void theCommandLineOfAContainerMakesOneLikeIt() throws Exception {
        docker("network", "create", "back");
        Path odd = Files.createDirectories(folder.resolve("odd \"name\", with a comma"));
        docker(
                "run",
                "-d",
                "--name",
                "model",
                "--network",
                "name=back,alias=m,driver-opt=x=y,gw-priority=5",
                "-e",
                "A=it's b",
                "-l",
                "x=y z",
                "-v",
                "stock:/data:ro",
                "--tmpfs",
                "/scratch:size=1m",
                "--memory",
                "64m",
                "--cpus",
                "0.5",
                "--user",
                "1:2",
                "-w",
                "/tmp",
                "--restart",
                "on-failure:3",
                "--cap-drop",
                "ALL",
                "--cap-add",
                "CHOWN",
                "--read-only",
                "--stop-signal",
                "USR1",
                "--health-cmd",
                "true",
                "--health-interval",
                "1m",
                "--hostname",
                "h",
                "--add-host",
                "a:1.2.3.4",
                "--ulimit",
                "nofile=64:128",
                "-p",
                "127.0.0.1::80",
                "--mount",
                "type=tmpfs,target=/a b,tmpfs-mode=700",
                "--mount",
                "type=bind,\"source=" + odd.toString().replace("\"", "\"\"") + "\",\"target=/a \"\"b\"\",c\",readonly",
                "-i",
                "--init",
                "--security-opt",
                "systempaths=unconfined",
                "--userns",
                "host",
                "--volume-driver",
                "local",
                "--entrypoint",
                "sleep",
                "busybox",
                "1000");
        String format = "{{json .Config}}{{json .HostConfig}}{{json .Mounts}}"
                + "{{range .NetworkSettings.Networks}}{{json .DriverOpts}}{{.GwPriority}}{{end}}";
        String model = docker("inspect", "-f", format, "model");
        String line = wharf("history", "model", "--as-run").strip();
        docker("rm", "-f", "model");
        Outcome again =
                Outcome.of(java.util.List.of("sh", "-c", line), agent.environment(), java.time.Duration.ofSeconds(30));
        again.outOrThrow();

        assertThat(docker("inspect", "-f", format, "model")).isEqualTo(model);
        docker("rm", "-f", "model");
        docker("network", "rm", "back");
        docker("volume", "rm", "stock");
    }

    @Test
    void aPlanRemovesWhatItShowedOrNothing() throws Exception {
        docker("run", "--name", "done", "busybox", "true");
        docker("run", "--name", "over", "busybox", "true");
        String[] plan = {"prune", "--dry-run", "--kind", "container", "--format", "json"};
        String shown = wharf(plan);
        assertThat(shown).contains("\"name\":\"done\"", "\"name\":\"over\"");
        assertThat(docker("ps", "-aq").lines()).as("a plan changes nothing").hasSizeGreaterThanOrEqualTo(2);

        docker("start", "-a", "over");
        Outcome refused = agent.wharf("prune", "--plan", field(shown, "token"));
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("the host has changed since the plan was made", "container over changed");
        assertThat(docker("ps", "-a", "--format", "{{.Names}}")).contains("done", "over");

        String token = field(wharf(plan), "token");
        agent.stop();
        agent.restart();
        assertThat(wharf("prune", "--plan", token)).contains("done", "over", "Removed");
        assertThat(docker("ps", "-a", "--format", "{{.Names}}")).doesNotContain("done", "over");
        assertThat(agent.wharf("prune", "--plan", token).status()).as("once").isEqualTo(1);
        assertThat(agent.wharf("undelete", "done").status())
                .as("what somebody looked at and pruned is not kept")
                .isEqualTo(1);
    }

    @Test
    void whatWasRemovedIsHadBackWithItsFilesAlsoByTheNextAgent() throws Exception {
        String id = docker(
                "run",
                "-d",
                "--name",
                "dear",
                "-v",
                "/own",
                "-v",
                "memories:/m",
                "busybox",
                "sh",
                "-c",
                "echo root > /f; echo own > /own/f; echo named > /m/f; echo said; sleep 1000");
        Thread.sleep(300);
        docker("rm", "-fv", "dear");
        docker("volume", "rm", "memories");
        assertThat(docker("ps", "-aq", "--no-trunc")).doesNotContain(id);
        assertThat(docker("volume", "ls", "-q")).doesNotContain("memories");
        assertThat(agent.docker("inspect", "dear").status()).isEqualTo(1);
        assertThat(wharf("undelete", "--list")).contains("dear", "memories");

        agent.kill();
        agent.restart();
        docker("run", "-d", "--name", "dear", "busybox", "sleep", "1000");
        Outcome taken = agent.wharf("undelete", "dear");
        assertThat(taken.err()).contains("in use");
        assertThat(wharf("undelete", "dear", "--as", "dear2")).contains("container dear2 is back");
        assertThat(docker("logs", "dear2")).contains("said");
        docker("start", "dear2");
        assertThat(docker("exec", "dear2", "cat", "/f", "/own/f", "/m/f")).isEqualTo("root\nown\nnamed");
        docker("rm", "-fv", "dear", "dear2");

        docker("volume", "rm", "memories");
        docker("volume", "create", "memories");
        assertThat(docker("run", "--rm", "-v", "memories:/m", "busybox", "ls", "/m"))
                .as("a volume of the same name begins empty")
                .isEmpty();
        docker("volume", "rm", "memories");
        assertThat(wharf("undelete", "memories", "--purge")).contains("gone for good");
        assertThat(wharf("undelete", "dear2", "--purge")).contains("gone for good");
        assertThat(wharf("undelete", "--list")).doesNotContain("dear2").doesNotContain("memories");
        Outcome left = agent.wharf("undelete", id.substring(0, 12));
        assertThat(left.status()).isEqualTo(1);
    }
}
