package dev.wharf.itests.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** The console page in a real browser, by real clicks and keys, on a host on which something happens. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsolePageIT {
    private static final String MARKUP = "<img src=x onerror=window.bad=1>";

    private Daemon daemon;
    private Browser browser;
    private String url;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Path anna = Files.writeString(folder.resolve("anna"), "reads only");
        Path otto = Files.writeString(folder.resolve("otto"), "opens all");
        Files.writeString(
                etc.resolve("dev.wharf.jolokia.cfg"), "port = 0\nreaders = " + anna + "\noperators = " + otto + "\n");
        daemon = SharedAgent.withBusybox(folder.resolve("agent"), "--config-dir=" + etc);
        docker("run", "--detach", "--name", "busy", "--cpus", "0.2", "busybox", "sh", "-c", "while :; do :; done");
        docker("run", "--detach", "--name", "idle", "--label", "note=" + MARKUP, "busybox", "sleep", "1000");
        daemon.docker("run", "--name", "done", "busybox", "sh", "-c", "exit 3");
        daemon.docker("run", "--name", "wrong", "busybox", MARKUP);
        url = awaitUrl();
        browser = Browser.open(Files.createDirectories(folder.resolve("profile")));
    }

    private String docker(String... arguments) throws IOException, InterruptedException {
        return daemon.docker(arguments).outOrThrow();
    }

    private String awaitUrl() throws Exception {
        Pattern served = Pattern.compile("console=(\\S+)");
        for (int i = 0; i < 400; i++) {
            Matcher matcher = served.matcher(Files.readString(daemon.log()));
            if (matcher.find()) {
                return matcher.group(1);
            }
            Thread.sleep(50);
        }
        throw new AssertionError("nobody serves\n" + Files.readString(daemon.log()));
    }

    @AfterAll
    void stop() throws Exception {
        if (browser != null) {
            browser.close();
        }
        if (daemon != null) {
            daemon.close();
        }
    }

    @BeforeEach
    void open() {
        browser.go(url);
    }

    /** Text from containers never became markup, and nothing broke. */
    @AfterEach
    void nothingBad() {
        assertThat(browser.run("return window.bad")).isNull();
        assertThat(browser.all("img[onerror]")).isEmpty();
        // Links come and go on this machine while other tests run, and then the browser asks again.
        assertThat(browser.complaints().stream()
                        .filter(line -> !line.contains("401") && !line.contains("ERR_NETWORK_CHANGED")))
                .isEmpty();
    }

    private void logIn(String user, String password) throws Exception {
        browser.type("#user", user);
        browser.type("#password", password);
        browser.click("#login button");
    }

    private void operate() throws Exception {
        logIn("otto", "opens all");
        browser.awaitText("#me", "otto (operator)");
        browser.awaitText("#rows", "idle");
    }

    private static String button(String label) {
        return "button[aria-label='" + label + "']";
    }

    @Test
    void aReaderSeesTheHostAndItsChartsMoveButMayNotOperate() throws Exception {
        logIn("anna", "wrong");
        browser.awaitText("#trouble", "not known here");
        browser.see("#password").clear();
        browser.see("#user").clear();
        logIn("anna", "reads only");
        browser.awaitText("#me", "anna (reader)");
        browser.await(
                "busy runs",
                () -> browser.text("#rows tr:has(button[aria-label='Stop busy']) .running")
                        .equals("running"));
        assertThat(browser.text("#rows")).contains("exited (3)");
        assertThat(browser.text("#glance")).contains("Running\n2");
        String chart = "#rows tr:has(button[aria-label='Stop busy']) svg";
        browser.await("the chart is drawn", () -> !browser.all(chart + " path").isEmpty());
        String before = browser.see(chart + " path").getDomAttribute("d");
        browser.await(
                "the chart moves",
                () -> !before.equals(browser.all(chart + " path").get(0).getDomAttribute("d")));
        browser.await(
                "it takes some of the CPU",
                () -> browser.all(chart).get(0).getDomAttribute("aria-label").matches("CPU of busy: (1\\d|2\\d) %"));
        assertThat(browser.see(button("Stop busy")).isEnabled()).isFalse();

        // Whoever helps himself to the button is refused where it counts.
        browser.run("document.querySelector(\"" + button("Stop busy") + "\").disabled = false");
        browser.click(button("Stop busy"));
        browser.awaitText("#trouble", "refused: this is for operators");
        assertThat(Files.readString(daemon.log()))
                .contains("operation refused who=anna bean=dev.wharf:type=Container,name=\"busy\" operation=stop");
        assertThat(docker("inspect", "--format", "{{.State.Status}}", "busy")).isEqualTo("running\n");
        assertThat(browser.complaints()).allMatch(line -> line.contains("401"));
    }

    @Test
    void anEventIsFoundAndTellsWhatLedToIt() throws Exception {
        operate();
        browser.awaitText("#timeline", "idle");
        assertThat(browser.text("#timeline")).contains(MARKUP);
        browser.type("#search", "done started");
        browser.awaitText("#found", "of done started");
        browser.await(
                "only it is left",
                () -> browser.all("#timeline li").stream()
                        .allMatch(line -> line.getText().contains("done")));
        browser.click("#timeline li:first-child button");
        browser.awaitText("#details .chain", "by root (docker)");
        browser.awaitText("#details", "its program ended by itself with code 3");
        assertThat(browser.see("#details .chain [aria-current]").getText()).contains("done");
        assertThat(browser.text("#details .facts"))
                .contains("container.started", "Asked by\nroot (docker)", "program\ndocker");
        browser.click("#details .first");
        browser.awaitText("#when", "As it was after event");
        browser.click("#now");
        browser.awaitText("#when", "Now, after event");
    }

    @Test
    void theSliderShowsTheHostAsItWas() throws Exception {
        docker("run", "--name", "gone", "busybox", "true");
        docker("rm", "gone");
        operate();
        assertThat(browser.text("#rows")).doesNotContain("gone");
        browser.see("#moment").click();
        browser.type("#moment", Keys.END);
        browser.await("the slider is at the end", () -> browser.text("#when").startsWith("Now"));
        for (int i = 0; i < 40 && !browser.text("#rows").contains("gone"); i++) {
            browser.press(Keys.ARROW_LEFT);
            Thread.sleep(250);
        }
        browser.await("what is gone is there again", () -> browser.text("#rows").contains("gone"));
        assertThat(browser.text("#when")).startsWith("As it was after event");
        assertThat(browser.see(button("Stop idle")).isEnabled()).isFalse();
        browser.shot("console-past");
        browser.click("#earlier");
        browser.click("#now");
        browser.await("now it is gone", () -> !browser.text("#rows").contains("gone"));
        assertThat(browser.see(button("Stop idle")).isEnabled()).isTrue();
    }

    @Test
    void anOperatorStopsAndStartsAContainerInHisOwnName() throws Exception {
        operate();
        browser.click(button("Stop busy"));
        browser.awaitText("#told", "Stop busy: done");
        browser.see(button("Start busy"));
        assertThat(docker("inspect", "--format", "{{.State.Status}}", "busy")).isEqualTo("exited\n");
        browser.click(button("Start busy"));
        browser.see(button("Stop busy"));
        assertThat(daemon.wharf("journal", "tail", "--lines", "60", "--format", "json")
                        .out())
                .contains("\"kind\":\"jmx\",\"name\":\"otto\"");
        // What others do is seen without asking.
        docker("run", "--detach", "--name", "late", "busybox", "sleep", "1000");
        try {
            browser.awaitText("#rows", "late");
        } finally {
            docker("rm", "--force", "late");
        }
        browser.await("it went", () -> !browser.text("#rows").contains("late"));
        // Of a driver it is asked whether it can work.
        browser.click("#fleet tr:first-child button");
        browser.awaitText("#told", "serving");
    }

    @Test
    void allOfItGoesByKeys() throws Exception {
        browser.await(
                "the user's field has the focus",
                () -> "user".equals(browser.focused().getDomAttribute("id")));
        browser.press("otto", Keys.TAB);
        browser.press("opens all", Keys.ENTER);
        browser.awaitText("#rows", "idle");
        browser.await(
                "the heading has the focus",
                () -> "title".equals(browser.focused().getDomAttribute("id")));
        browser.tabTo("Pause idle");
        browser.press(Keys.ENTER);
        browser.await(
                "Resume has the focus",
                () -> "Resume idle".equals(browser.focused().getAccessibleName()));
        assertThat(docker("inspect", "--format", "{{.State.Status}}", "idle")).isEqualTo("paused\n");
        browser.press(Keys.SPACE);
        browser.see(button("Pause idle"));

        browser.pressBack();
        for (int i = 0; i < 10 && !"idle".equals(browser.focused().getAccessibleName()); i++) {
            browser.pressBack();
        }
        browser.press(Keys.ENTER);
        browser.awaitText("#details .facts", MARKUP);
        browser.awaitText("#details", "shall run");
        browser.press(Keys.ESCAPE);
        browser.await("the details close", () -> browser.all("#details[open]").isEmpty());
        assertThat(browser.focused().getAccessibleName()).isEqualTo("idle");
    }

    @Test
    void nobodyIsShutOutNorIsItDarkForThoseWhoWantLight() throws Exception {
        accessible();
        operate();
        browser.awaitText("#timeline", "idle");
        browser.await("there are charts", () -> !browser.all("#rows svg path").isEmpty());
        Thread.sleep(5000);
        accessible();
        browser.shot("console");
        browser.prefer("dark");
        assertThat(browser.run("return getComputedStyle(document.body).backgroundColor"))
                .isEqualTo("rgb(16, 22, 28)");
        accessible();
        browser.shot("console-dark");
        browser.click("#rows th button");
        browser.awaitText("#details .chain", "root (docker): shall run");
        accessible();
        browser.shot("console-details-dark");
        browser.prefer("light");
        accessible();
    }

    /** Nothing that axe-core knows to look for. */
    private void accessible() throws IOException {
        try (InputStream axe = ConsolePageIT.class.getResourceAsStream("/axe.min.js")) {
            browser.run(new String(axe.readAllBytes(), StandardCharsets.UTF_8));
        }
        Object violations = browser.runAsync("const done = arguments[arguments.length - 1];"
                + "axe.run().then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' '"
                + " + n.failureSummary).join(' | '))), e => done([String(e)]))");
        assertThat((List<?>) violations).isEmpty();
    }

    @Test
    void thePageIsSmallAndComesWithAStrictPolicy() throws Exception {
        Outcome page = Outcome.of("curl", "--silent", "--include", url);
        assertThat(page.out())
                .contains("default-src 'none'", "require-trusted-types-for 'script'", "frame-ancestors 'none'")
                .containsIgnoringCase("x-content-type-options: nosniff");
        int bytes = 0;
        for (String file : List.of("", "console.css", "console.js", "host.js", "chart.js", "icon.svg")) {
            String content =
                    Outcome.of("curl", "--silent", "--fail", url + file).outOrThrow();
            assertThat(content).doesNotContain("https://");
            bytes += content.length();
        }
        assertThat(bytes).isLessThan(60_000);
        assertThat(status("api/look/host")).isEqualTo("401");
        assertThat(status("api/look/host", "--user", "anna:reads only")).isEqualTo("200");
        assertThat(status("api/look/inspect/idle", "--user", "otto:opens all")).isEqualTo("404");
        assertThat(status("api/look/why/%2e%2e%2f%2e%2e%2fcontainers%2fjson", "--user", "otto:opens all"))
                .isEqualTo("404");
        assertThat(status("../etc/passwd", "--path-as-is")).isEqualTo("404");
        assertThat(status("api/me", "--request", "POST")).isEqualTo("405");
        assertThat(Outcome.of("curl", "--silent", "--user", "anna:reads only", url + "api/look/journal?data=1&last=40")
                        .out())
                .contains("\"story\":")
                .doesNotContain("\"data\":");
    }

    private String status(String path, String... options) throws Exception {
        List<String> command = new java.util.ArrayList<>(
                List.of("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"));
        command.addAll(List.of(options));
        command.add(url + path);
        return Outcome.of(command.toArray(String[]::new)).out();
    }
}
