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
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Path anna = Files.writeString(folder.resolve("anna"), "reads only");
        Path otto = Files.writeString(folder.resolve("otto"), "opens all");
        Files.writeString(
                etc.resolve("dev.wharf.jolokia.cfg"), "port = 0\nreaders = " + anna + "\noperators = " + otto + "\n");
        daemon = SharedAgent.withBusybox(folder.resolve("agent"), "--config-dir=" + etc);
        daemon.docker("run", "--detach", "--name", "web", "busybox", "sleep", "1000")
                .outOrThrow();
        port = awaitPort();

        System.setProperty("hawtio.authenticationEnabled", "false");
        System.setProperty("hawtio.proxyAllowlist", "127.0.0.1");
        tomcat = new Tomcat();
        tomcat.setBaseDir(folder.resolve("tomcat").toString());
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(0);
        tomcat.setConnector(connector);
        Context context = tomcat.addWebapp(
                "/hawtio", Path.of("target/hawtio/hawtio.war").toAbsolutePath().toString());
        context.setParentClassLoader(HawtioIT.class.getClassLoader());
        tomcat.start();
        hawtio = "http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + "/hawtio";
        browser = Browser.open(Files.createDirectories(folder.resolve("profile")));
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
        browser.go(hawtio);
    }
}
