package dev.wharf.jolokia.door;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real server, and people who come to it with and without rights. */
@Timeout(120)
class DoorTest {
    private static final String BEAN = "dev.wharf:type=Probe";

    @TempDir
    private Path folder;

    private Door door;

    /** Something to work. */
    public interface ProbeMXBean {
        int getAnswer();

        void setAnswer(int answer);

        String whoCalls();
    }

    /** Tells who called. */
    public static final class Probe implements ProbeMXBean {
        @Override
        public int getAnswer() {
            return 42;
        }

        @Override
        public void setAnswer(int answer) {
            throw new IllegalStateException("written");
        }

        @Override
        public String whoCalls() {
            return Visitor.current().orElseThrow().name();
        }
    }

    @BeforeEach
    void open() throws Exception {
        ManagementFactory.getPlatformMBeanServer().registerMBean(new Probe(), new ObjectName(BEAN));
        Path reader = Files.writeString(folder.resolve("anna"), "read only\n");
        Path operator = Files.writeString(folder.resolve("otto"), "opens all");
        door = new Door(settings(reader.toString(), operator.toString()));
    }

    @AfterEach
    void close() throws Exception {
        door.close();
        ManagementFactory.getPlatformMBeanServer().unregisterMBean(new ObjectName(BEAN));
    }

    private static Function<String, String> settings(String readers, String operators) {
        Map<String, String> said = Map.of(
                "address", "127.0.0.1",
                "port", "0",
                "readers", readers,
                "operators", operators,
                "origins", "http://console.example");
        return name -> said.getOrDefault(name, "");
    }

    private HttpResponse<String> ask(String user, String body, String... headers) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(door.get())).POST(BodyPublishers.ofString(body));
        if (!user.isEmpty()) {
            request.header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8)));
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    }

    private static String read(String bean, String attribute) {
        return "{\"type\":\"read\",\"mbean\":\"" + bean + "\",\"attribute\":\"" + attribute + "\"}";
    }

    private static final String CALL = "{\"type\":\"exec\",\"mbean\":\"" + BEAN + "\",\"operation\":\"whoCalls\"}";

    @Test
    void nobodyComesInWithoutAPassword() throws Exception {
        for (String user : new String[] {"", "anna:wrong", "anna", "nobody:nobody"}) {
            HttpResponse<String> answer = ask(user, read(BEAN, "Answer"));
            assertThat(answer.statusCode()).as(user).isEqualTo(401);
            assertThat(answer.headers().firstValue("WWW-Authenticate"))
                    .hasValue("Basic realm=\"wharf\", charset=\"UTF-8\"");
        }
    }

    @Test
    void aReaderReadsAndDoesNothingElse() throws Exception {
        String anna = "anna:read only";
        assertThat(ask(anna, read(BEAN, "Answer")).body()).contains("\"value\":42", "\"status\":200");
        assertThat(ask(anna, read("java.lang:type=Memory", "HeapMemoryUsage")).body())
                .contains("\"used\":");
        assertThat(ask(anna, CALL).body()).contains("\"status\":403").doesNotContain("anna");
        assertThat(ask(anna, read("java.lang:type=Runtime", "SystemProperties")).body())
                .contains("\"status\":403");
    }

    @Test
    void anOperatorCallsWharfsOperationsUnderHisNameAndWritesNothing() throws Exception {
        String otto = "otto:opens all";
        assertThat(ask(otto, CALL).body()).contains("\"value\":\"otto\"");
        assertThat(ask(otto, "{\"type\":\"exec\",\"mbean\":\"java.lang:type=Memory\",\"operation\":\"gc\"}")
                        .body())
                .contains("\"status\":403");
        assertThat(ask(otto, "{\"type\":\"write\",\"mbean\":\"" + BEAN + "\",\"attribute\":\"Answer\",\"value\":1}")
                        .body())
                .contains("\"status\":403");
        assertThat(ask(
                                otto,
                                "{\"type\":\"read\",\"mbean\":\"" + BEAN
                                        + "\",\"attribute\":\"Answer\",\"target\":{\"url\":"
                                        + "\"service:jmx:rmi:///jndi/ldap://127.0.0.1:1/x\"}}")
                        .body())
                .doesNotContain("\"value\":42");
    }

    @Test
    void onlyPagesThatWereNamedAreLetIn() throws Exception {
        String anna = "anna:read only";
        assertThat(ask(anna, read(BEAN, "Answer"), "Origin", "http://console.example")
                        .body())
                .contains("\"value\":42");
        assertThat(ask(anna, read(BEAN, "Answer"), "Origin", "https://evil.example")
                        .body())
                .doesNotContain("\"value\":42");
    }

    @Test
    void hawtioHasAHeaderOfItsOwnForThePassword() throws Exception {
        String pair = Base64.getEncoder().encodeToString("anna:read only".getBytes(StandardCharsets.UTF_8));
        assertThat(ask("", read(BEAN, "Answer"), "X-Jolokia-Authorization", "Basic " + pair)
                        .body())
                .contains("\"value\":42");
        assertThat(ask("", read(BEAN, "Answer"), "X-Jolokia-Authorization", "Basic " + pair.substring(4))
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void browsersAreToldWhichPagesMayAsk() throws Exception {
        assertThat(preflight("http://console.example")).hasValue("http://console.example");
        assertThat(preflight("https://evil.example")).isEmpty();
        String own = door.get().replaceAll("/jolokia.*", "");
        assertThat(ask("anna:read only", read(BEAN, "Answer"), "Origin", own).body())
                .contains("\"value\":42");
    }

    private Optional<String> preflight(String origin) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(door.get()))
                .method("OPTIONS", BodyPublishers.noBody())
                .header("Origin", origin)
                .header("Access-Control-Request-Headers", "authorization")
                .build();
        return HttpClient.newHttpClient()
                .send(request, BodyHandlers.ofString())
                .headers()
                .firstValue("Access-Control-Allow-Origin");
    }

    @Test
    void theConsoleShowsNothingOfTheHostToStrangers() throws Exception {
        String console = door.get().replaceAll("/jolokia.*", "/console/");
        assertThat(get(console, "").body()).contains("<title>Wharf console</title>");
        assertThat(get(console + "api/me", "").body()).isEqualTo("{\"name\":\"\",\"operator\":false}");
        assertThat(get(console + "api/me", "anna:read only").body())
                .isEqualTo("{\"name\":\"anna\",\"operator\":false}");
        assertThat(get(console + "api/me", "otto:opens all").body()).isEqualTo("{\"name\":\"otto\",\"operator\":true}");
        HttpResponse<String> wrong = get(console + "api/me", "anna:wrong");
        assertThat(wrong.statusCode()).isEqualTo(401);
        assertThat(wrong.headers().firstValue("WWW-Authenticate")).isEmpty();
        assertThat(get(console + "api/look/host", "").statusCode()).isEqualTo(401);
        assertThat(get(console + "api/look/host", "anna:read only").statusCode())
                .isEqualTo(503);
        assertThat(get(console + "api/look/containers/json", "anna:read only").statusCode())
                .isEqualTo(404);
        assertThat(get(console + "no.such.file", "").statusCode()).isEqualTo(404);
    }

    private static HttpResponse<String> get(String url, String user) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        if (!user.isEmpty()) {
            request.header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8)));
        }
        return HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    }

    @Test
    void settingsWithoutPeopleOpenNoDoor() {
        assertThatThrownBy(() -> new Door(settings("", "")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nobody could come in");
        assertThatThrownBy(() -> new Door(settings(folder.resolve("missing").toString(), "")))
                .hasMessageContaining("the password of missing cannot be read");
    }
}
