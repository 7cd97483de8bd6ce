package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.GoBool;
import dev.wharf.model.GoDuration;
import dev.wharf.model.LogAddress;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Descriptors.SocketType;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import dev.wharf.spi.tls.ClientTls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Fluentd and what speaks its forward protocol, version 1, in message mode: one event for each line, a long one in pieces.
 * What waits to be sent waits in the log, so that no buffer is needed beside it and no line is lost with one.
 */
final class FluentdTarget extends RemoteTarget {
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
    private static final double SLOWER = 1.5;

    private final Descriptors descriptors;
    private final Map<String, String> fields;
    private final String tag;
    private final LogAddress address;
    private final boolean async;
    private final boolean exact;
    private final boolean acknowledged;
    private final Duration reconnect;
    private final Duration patience;
    private final Duration retryWait;
    private final long retries;
    private long connectedAt;

    FluentdTarget(Descriptors descriptors, LogSettings settings) throws DriverException {
        this.descriptors = descriptors;
        this.fields = settings.fields();
        this.tag = settings.tag();
        Map<String, String> options = settings.options();
        String place = options.getOrDefault("fluentd-address", "");
        try {
            this.address = LogAddress.parse(place.contains("://") ? place : "tcp://" + place);
        } catch (IllegalArgumentException e) {
            throw failure(Kind.INVALID, "invalid fluentd-address (" + place + "): " + e.getMessage(), e);
        }
        this.async = isSet(options, "fluentd-async");
        this.exact = isSet(options, "fluentd-sub-second-precision");
        this.acknowledged = isSet(options, "fluentd-request-ack");
        this.reconnect = span(options, "fluentd-async-reconnect-interval", Duration.ZERO);
        Duration timeout = span(options, "fluentd-write-timeout", Duration.ZERO);
        this.patience = timeout.isZero() ? Line.PATIENCE : timeout;
        this.retryWait = span(options, "fluentd-retry-wait", Duration.ofSeconds(1));
        String tries = options.getOrDefault("fluentd-max-retries", "");
        this.retries = tries.isEmpty() ? Long.MAX_VALUE : Long.parseLong(tries);
    }

    private static boolean isSet(Map<String, String> options, String name) {
        return GoBool.isTrue(options.getOrDefault(name, ""));
    }

    private static Duration span(Map<String, String> options, String name, Duration usual) {
        return GoDuration.parse(options.getOrDefault(name, "")).orElse(usual);
    }

    @Override
    public void check() throws IOException {
        if (!async) {
            connected();
        }
    }

    @Override
    public Optional<Duration> pause(int failures) {
        if (failures >= retries) {
            return Optional.empty();
        }
        double millis = retryWait.toMillis() * Math.pow(SLOWER, failures - 1);
        return Optional.of(
                millis < LONGEST_PAUSE.toMillis() ? Duration.ofMillis(Math.max(0, (long) millis)) : LONGEST_PAUSE);
    }

    @Override
    void post(LogLine one) throws IOException {
        if (async && !reconnect.isZero() && System.nanoTime() - connectedAt > reconnect.toNanos()) {
            close();
        }
        List<byte[]> pieces = LogTarget.pieces(one, USUAL_PIECE);
        String whole = pieces.size() == 1 ? "" : id();
        for (int i = 0; i < pieces.size(); i++) {
            Map<String, String> event = new LinkedHashMap<>(fields);
            event.put("source", one.stream() == StandardStream.ERR ? "stderr" : "stdout");
            if (!whole.isEmpty()) {
                event.put("partial_message", "true");
                event.put("partial_id", whole);
                event.put("partial_ordinal", Integer.toString(i + 1));
                event.put("partial_last", Boolean.toString(i == pieces.size() - 1));
            }
            post(one, event, pieces.get(i));
        }
    }

    private static String id() {
        byte[] bytes = new byte[32];
        ThreadLocalRandom.current().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private void post(LogLine one, Map<String, String> event, byte[] text) throws IOException {
        MessagePack message = new MessagePack().array(4).text(tag);
        if (exact) {
            message.eventTime(one.epochSecond(), one.nanos());
        } else {
            message.number(one.epochSecond());
        }
        message.map(event.size() + 1).text("log").text(text);
        event.forEach((name, value) -> message.text(name).text(value));
        if (!acknowledged) {
            connected().write(message.map(0).bytes(), patience);
            return;
        }
        byte[] random = new byte[16];
        ThreadLocalRandom.current().nextBytes(random);
        String chunk = Base64.getEncoder().encodeToString(random);
        connected().write(message.map(1).text("chunk").text(chunk).bytes(), patience);
        awaitAnswer(chunk);
    }

    /** The answer is a map with the chunk's name; it is random and long, so nothing else of the answer is of interest. */
    private void awaitAnswer(String chunk) throws IOException {
        ByteBuffer answer = ByteBuffer.allocate(512);
        do {
            if (!answer.hasRemaining()) {
                throw new IOException("fluentd acknowledges something else");
            }
            connected().read(answer, patience);
        } while (!new String(answer.array(), 0, answer.position(), StandardCharsets.ISO_8859_1).contains(chunk));
    }

    @Override
    Line connect() throws IOException {
        connectedAt = System.nanoTime();
        if (address.scheme().equals("unix")) {
            return Line.unix(descriptors, Path.of(address.path()), SocketType.STREAM);
        }
        String host = address.host().isEmpty() ? "127.0.0.1" : address.host();
        int port = address.port().isEmpty() ? 24224 : Integer.parseInt(address.port());
        return address.scheme().equals("tls")
                ? Line.tls(host, port, new ClientTls(List.of(), List.of(), false))
                : Line.tcp(host, port);
    }
}
