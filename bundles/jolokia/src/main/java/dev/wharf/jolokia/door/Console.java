package dev.wharf.jolokia.door;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import org.jolokia.json.JSONObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The console page and what it looks at. The page itself holds nothing of the host, so that everybody may have it; what it shows
 * is for people, and what it does goes through Jolokia.
 */
final class Console implements HttpHandler {
    static final String PATH = "/console";

    /** So many pages hear at once of what happens; others ask again. */
    static final int PAGES = 16;

    private static final Logger LOG = LoggerFactory.getLogger(Console.class);

    private static final String ME = "api/me";
    private static final String LOOK = "api/look/";

    /** What of {@code /wharf/v1} is shown: nothing that holds a container's environment or arguments, which may be secret. */
    private static final Pattern SHOWN =
            Pattern.compile("agent|host|journal|journal/facts|drivers|drivers/inspect|(?:why|explain)/[^/?]+");

    private static final Map<String, String> FILES = Map.of(
            "", "text/html; charset=utf-8",
            "console.css", "text/css; charset=utf-8",
            "console.js", "text/javascript; charset=utf-8",
            "host.js", "text/javascript; charset=utf-8",
            "chart.js", "text/javascript; charset=utf-8",
            "icon.svg", "image/svg+xml");

    /** Nothing from elsewhere, nothing inline, no text that becomes markup, and no frame around it. */
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            + " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
            + " require-trusted-types-for 'script'; trusted-types 'none'";

    private final Window window;
    private final Semaphore pages = new Semaphore(PAGES);
    private final Map<String, byte[]> files = new ConcurrentHashMap<>();

    Console(String socket) {
        this.window = new Window(socket);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Headers headers = exchange.getResponseHeaders();
            headers.set("Content-Security-Policy", POLICY);
            headers.set("X-Content-Type-Options", "nosniff");
            headers.set("Referrer-Policy", "same-origin");
            headers.set("Cross-Origin-Opener-Policy", "same-origin");
            headers.set("Cross-Origin-Resource-Policy", "same-origin");
            headers.set("Cache-Control", "no-store");
            String path = exchange.getRequestURI().getRawPath().substring(PATH.length());
            if (path.isEmpty()) {
                headers.set("Location", PATH + "/");
                say(exchange, 308, "the console is " + PATH + "/");
                return;
            }
            path = path.substring(1);
            if (!exchange.getRequestMethod().equals("GET")) {
                headers.set("Allow", "GET");
                say(exchange, 405, "only GET is served here; operations go to /jolokia");
            } else if (FILES.containsKey(path)) {
                headers.set("Cache-Control", "no-cache");
                send(exchange, 200, FILES.get(path), file(path.isEmpty() ? "index.html" : path));
            } else if (path.equals(ME)) {
                me(exchange);
            } else if (path.startsWith(LOOK)) {
                look(exchange, path.substring(LOOK.length()));
            } else {
                say(exchange, 404, "no such page; the console is " + PATH + "/");
            }
        } catch (RuntimeException e) {
            LOG.error("console broke path={}", exchange.getRequestURI().getPath(), e);
            throw e;
        }
    }

    private byte[] file(String name) throws IOException {
        byte[] known = files.get(name);
        if (known != null) {
            return known;
        }
        try (InputStream content = Console.class.getResourceAsStream("console/" + name)) {
            if (content == null) {
                throw new IOException("the console's " + name + " is not in its bundle");
            }
            byte[] bytes = content.readAllBytes();
            files.put(name, bytes);
            return bytes;
        }
    }

    /** Who comes; a page that does not know yet asks so, and is told of nobody. */
    private static void me(HttpExchange exchange) throws IOException {
        Optional<Visitor> visitor = Doorkeeper.visitor(exchange);
        if (visitor.isEmpty() && exchange.getRequestHeaders().containsKey("Authorization")) {
            refuse(exchange);
            return;
        }
        JSONObject answer = new JSONObject();
        answer.put("name", visitor.map(Visitor::name).orElse(""));
        answer.put("operator", visitor.map(Visitor::operator).orElse(false));
        send(exchange, 200, "application/json", answer.toJSONString().getBytes(StandardCharsets.UTF_8));
    }

    /** Without the header that makes browsers ask for a password themselves: the page does that. */
    private static void refuse(HttpExchange exchange) throws IOException {
        LOG.warn("refused who={}", exchange.getRemoteAddress());
        say(exchange, 401, "this user and password are not known here");
    }

    private void look(HttpExchange exchange, String what) throws IOException {
        if (Doorkeeper.visitor(exchange).isEmpty()) {
            refuse(exchange);
        } else if (!SHOWN.matcher(what).matches()) {
            say(exchange, 404, "not shown here");
        } else {
            String query =
                    Optional.ofNullable(exchange.getRequestURI().getRawQuery()).orElse("");
            // What is stored of an event may hold the environment of a container.
            String wish = what + "?" + (what.equals("journal") ? "data=0&" : "") + query;
            if (query.contains("follow")) {
                follow(exchange, wish);
            } else {
                window.show(exchange, wish);
            }
        }
    }

    private void follow(HttpExchange exchange, String wish) throws IOException {
        if (!pages.tryAcquire()) {
            exchange.getResponseHeaders().set("Retry-After", "5");
            say(exchange, 503, "too many consoles are open to hear at once of what happens");
            return;
        }
        try {
            window.show(exchange, wish);
        } finally {
            pages.release();
        }
    }

    static void say(HttpExchange exchange, int status, String message) throws IOException {
        JSONObject answer = new JSONObject();
        answer.put("message", message);
        send(exchange, status, "application/json", answer.toJSONString().getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }
}
