package dev.wharf.itests.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** A Hawtio as its makers ship it, in a servlet container of its own, connects to the agent: it reads, and it works containers. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HawtioIT {
    private Daemon daemon;
    private Tomcat tomcat;
    private Browser browser;
    private String hawtio;
    private int port;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        System.setProperty("hawtio.authenticationEnabled", "false");
        System.setProperty("hawtio.proxyAllowlist", "127.0.0.1");
        tomcat = new Tomcat();
        Files.createDirectories(folder.resolve("tomcat/webapps"));
        tomcat.setBaseDir(folder.resolve("tomcat").toString());
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(0);
        tomcat.setConnector(connector);
        Context context = tomcat.addWebapp(
                "/hawtio", Path.of("target/hawtio/hawtio.war").toAbsolutePath().toString());
        context.setParentClassLoader(new ServletsAlone());
        tomcat.start();
        hawtio = "http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + "/hawtio";
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Path anna = Files.writeString(folder.resolve("anna"), "readsonly");
        Path otto = Files.writeString(folder.resolve("otto"), "opensall");
        Files.writeString(
                etc.resolve("dev.wharf.jolokia.cfg"),
                "port = 0\nreaders = " + anna + "\noperators = " + otto + "\norigins = " + hawtio.replace("/hawtio", "")
                        + "\n");
        daemon = SharedAgent.withBusybox(folder.resolve("agent"), "--config-dir=" + etc);
        daemon.docker("run", "--detach", "--name", "web", "busybox", "sleep", "1000")
                .outOrThrow();
        port = awaitPort();
        browser = Browser.open(Files.createDirectories(folder.resolve("profile")));
    }

    /** Of this test's classes Hawtio sees the servlet container's, and none of the many that it has itself. */
    private static final class ServletsAlone extends ClassLoader {
        ServletsAlone() {
            super(ClassLoader.getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (name.startsWith("jakarta.")
                    || name.startsWith("org.apache.catalina.")
                    || name.startsWith("org.apache.tomcat.")) {
                return HawtioIT.class.getClassLoader().loadClass(name);
            }
            throw new ClassNotFoundException(name);
        }
    }

    private int awaitPort() throws Exception {
        Pattern served = Pattern.compile("MXBeans are served url=http://127.0.0.1:(\\d+)/");
        for (int i = 0; i < 400; i++) {
            Matcher matcher = served.matcher(Files.readString(daemon.log()));
            if (matcher.find()) {
                return Integer.parseInt(matcher.group(1));
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
        if (tomcat != null) {
            tomcat.stop();
            tomcat.destroy();
        }
        if (daemon != null) {
            daemon.close();
        }
    }

    @Test
    void hawtioReadsAndOperatesAndIsRefusedWithoutRights() throws Exception {
        browser.go(hawtio + "/connect/remote");
        browser.clickText("Add connection");
        browser.type("#connection-form-name", "wharf");
        browser.click("label[for=connection-form-scheme]");
        browser.see("#connection-form-host").clear();
        browser.type("#connection-form-host", "127.0.0.1");
        browser.type("#connection-form-port", Keys.chord(Keys.CONTROL, "a"), Integer.toString(port));
        browser.see("#connection-form-path").clear();
        browser.type("#connection-form-path", "/jolokia");
        browser.shot("hawtio-1");
        browser.clickText("Add");
        browser.shot("hawtio-2");
        browser.click("#connection-list .pf-m-primary:not([disabled])");
        browser.inNewWindow();
        browser.type("#connect-login-form-username", "otto");
        browser.type("#connect-login-form-password", "opensall");
        browser.shot("hawtio-3");
        browser.clickText("Log in");
        browser.clickText("JMX");
        browser.awaitText("main", "dev.wharf");
        browser.shot("hawtio");

        // What its pages ask goes through its proxy, and is asked from here as they do.
        String web = "dev.wharf:type=Container,name=\\\"web\\\"";
        assertThat(ask("anna:readsonly", "{\"type\":\"read\",\"mbean\":\"" + web + "\",\"attribute\":\"State\"}"))
                .contains("\"value\":\"running\"");
        String pause = "{\"type\":\"exec\",\"mbean\":\"" + web + "\",\"operation\":\"pause\"}";
        assertThat(ask("anna:readsonly", pause)).contains("\"status\":403");
        assertThat(Files.readString(daemon.log())).contains("operation refused who=anna");
        assertThat(ask("otto:opensall", pause)).contains("\"status\":200");
        assertThat(daemon.docker("inspect", "--format", "{{.State.Status}}", "web")
                        .out())
                .isEqualTo("paused\n");
    }

    private String ask(String who, String request) {
        return String.valueOf(browser.runAsync(
                "const done = arguments[arguments.length - 1];"
                        + "fetch(arguments[0], {method: 'POST', body: arguments[2], headers: {'Content-Type':"
                        + " 'application/json', 'X-Jolokia-Authorization': 'Basic ' + btoa(arguments[1])}})"
                        + ".then(r => r.text()).then(done, e => done(String(e)))",
                hawtio + "/proxy/http/127.0.0.1/" + port + "/jolokia/",
                who,
                request));
    }
}
