package dev.wharf.registry.distribution;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Downloads for another bundle, which carries its own copy of this package: connections and who is trusted on them, proxies,
 * time limits, second tries, and transfers that go on where they broke off, as registries have them.
 */
public final class Downloads implements AutoCloseable {
    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_RETRIES = 2;
    private static final Duration MAX_WAIT = Duration.ofSeconds(60);

    private final Path certificates;
    private final Http http;
    private volatile Settings settings;

    /** What a request carries; asked anew for each, since a signature holds for one address and a moment. */
    public interface Headers {
        Map<String, String> of(URI uri) throws DriverException;
    }

    /** An answer, whatever its status; whoever gets it closes it. */
    public record Answer(int status, URI uri, InputStream body) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    /** Opens content at a position. */
    public interface Source {
        InputStream open(long offset) throws DriverException;
    }

    /** @param configuration {@code certificates}, {@code timeout.connect} and {@code timeout.idle}, as for registries */
    public Downloads(Path certificates, Map<String, String> environment, Map<String, Object> configuration) {
        this.certificates = certificates;
        http = new Http(new Proxies(environment));
        settings = Settings.of(configuration, certificates);
    }

    /** Takes other settings. A wrong value changes nothing and is refused by an {@link IllegalArgumentException}. */
    public void configure(Map<String, Object> configuration) {
        settings = Settings.of(configuration, certificates);
        http.release();
    }

    /** Says that somebody begins; connections are kept until a while after the last has said that it is over. */
    public void enter() {
        http.enter();
    }

    public void leave() {
        http.leave();
    }

    /** Asks for what lies at an address, over redirects and, where that may help, more than once. */
    public Answer get(URI from, Headers headers) throws DriverException {
        URI uri = from;
        int redirects = 0;
        for (int tries = 0; ; tries++) {
            Http.Request request = new Http.Request("GET", uri, headers.of(uri), settings.idleTimeout());
            Http.Answer answer;
            try {
                answer = http.send(
                        request,
                        Tls.of(settings, Tokens.authority(uri), Tokens.authority(from)),
                        settings.connectTimeout(),
                        settings.idleTimeout());
            } catch (IOException e) {
                if (!Session.mayPass(e) || tries >= MAX_RETRIES) {
                    throw Failures.unreachable(uri, e);
                }
                Session.pause(Duration.ofMillis(300L << tries));
                continue;
            }
            Optional<Duration> delay = Session.delay(request, answer, tries);
            if (delay.isPresent() && delay.get().compareTo(MAX_WAIT) <= 0) {
                answer.close();
                Session.pause(delay.get());
            } else if (Session.isRedirect(answer.status())) {
                answer.close();
                if (redirects++ >= MAX_REDIRECTS) {
                    throw failure(Kind.FAILED, from.getHost() + " sends us from place to place");
                }
                uri = target(uri, answer.header("Location"));
            } else {
                return new Answer(answer.status(), uri, answer.body());
            }
        }
    }

    private static URI target(URI from, String location) throws DriverException {
        try {
            URI target = from.resolve(location);
            boolean worse = from.getScheme().equals("https") && !"https".equals(target.getScheme());
            if (location.isEmpty() || target.getHost() == null || target.getUserInfo() != null || worse) {
                throw new IllegalArgumentException(worse ? "from HTTPS to plain HTTP" : "no host");
            }
            return target;
        } catch (IllegalArgumentException e) {
            throw failure(Kind.FAILED, from.getHost() + " sends us to an address that is not followed", e);
        }
    }

    /** The bytes of content from {@code offset} on, exactly as many as it has; a transfer that breaks off goes on. */
    public InputStream open(String from, Descriptor content, long offset, Source source) throws DriverException {
        return new BlobStream(from, content, offset, source::open, BlobStream.Disappointment.NONE);
    }

    /** Lets go of every connection. */
    @Override
    public void close() {
        http.release();
    }
}
