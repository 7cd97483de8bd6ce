package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.LogAddress;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Descriptors.SocketType;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import dev.wharf.spi.tls.ClientTls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A syslog server: over the local socket, or over UDP, TCP or a unix socket of its own, in the formats that Docker knows
 * (RFC 3164, RFC 5424, and the one of local sockets, which has no host in it).
 */
final class SyslogTarget extends RemoteTarget {
    private static final List<Path> LOCAL =
            List.of(Path.of("/dev/log"), Path.of("/var/run/syslog"), Path.of("/var/run/log"));
    private static final List<String> FACILITIES = List.of(
            "kern",
            "user",
            "mail",
            "daemon",
            "auth",
            "syslog",
            "lpr",
            "news",
            "uucp",
            "cron",
            "authpriv",
            "ftp",
            "",
            "",
            "",
            "",
            "local0",
            "local1",
            "local2",
            "local3",
            "local4",
            "local5",
            "local6",
            "local7");
    private static final int ERROR = 3;
    private static final int INFORMATION = 6;

    /** What a UDP datagram can carry at most (RFC 768), and then some for the head. */
    private static final int LONGEST_TEXT = 60 * 1024;

    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("MMM d HH:mm:ss", Locale.ENGLISH);
    private static final DateTimeFormatter SHORT_DAY = DateTimeFormatter.ofPattern("MMM  d HH:mm:ss", Locale.ENGLISH);
    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ssXXX");
    private static final DateTimeFormatter MICROS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSXXX");

    private static final String SECURE = "tcp+tls";

    private final Descriptors descriptors;
    private final Map<String, String> options;
    private final String scheme;
    private final String place;
    private final int port;
    private final String format;
    private final int facility;
    private final String tag;
    private final String host = LogSettings.hostname();
    private final long pid = ProcessHandle.current().pid();

    SyslogTarget(Descriptors descriptors, LogSettings settings) throws DriverException {
        this.descriptors = descriptors;
        this.options = settings.options();
        this.format = options.getOrDefault("syslog-format", "");
        this.tag = settings.tag();
        this.facility = facility(options.getOrDefault("syslog-facility", ""));
        String address = options.getOrDefault("syslog-address", "");
        if (address.isEmpty()) {
            this.scheme = "unixgram";
            this.place = LOCAL.stream()
                    .filter(Files::exists)
                    .findFirst()
                    .orElse(LOCAL.get(0))
                    .toString();
            this.port = 0;
            return;
        }
        LogAddress place;
        try {
            place = LogAddress.parse(address);
            this.port = place.port().isEmpty() ? 514 : Integer.parseInt(place.port());
        } catch (IllegalArgumentException e) {
            throw failure(Kind.INVALID, "invalid syslog-address (" + address + "): " + e.getMessage(), e);
        }
        this.scheme = place.scheme();
        this.place = switch (scheme) {
            case "unix", "unixgram" -> place.path();
            case "udp", "tcp", SECURE -> place.host();
            default -> throw failure(Kind.INVALID, "unsupported scheme: '" + scheme + "'");
        };
    }

    private static int facility(String text) throws DriverException {
        if (text.isEmpty()) {
            return FACILITIES.indexOf("daemon");
        }
        int number = FACILITIES.indexOf(text);
        if (number < 0 && text.matches("\\d{1,2}")) {
            number = Integer.parseInt(text);
        }
        if (number < 0 || number > 23) {
            throw failure(Kind.INVALID, "invalid syslog facility");
        }
        return number;
    }

    @Override
    void post(LogLine one) throws IOException {
        for (byte[] piece : LogTarget.pieces(one, LONGEST_TEXT)) {
            connected().write(message(one, piece), Line.PATIENCE);
        }
    }

    private byte[] message(LogLine one, byte[] text) {
        int priority = facility * 8 + (one.stream() == StandardStream.ERR ? ERROR : INFORMATION);
        ZonedDateTime at = Instant.ofEpochSecond(one.epochSecond(), one.nanos()).atZone(ZoneId.systemDefault());
        String stamp = (at.getDayOfMonth() < 10 ? SHORT_DAY : STAMP).format(at);
        String head = switch (format) {
            case "rfc5424" ->
                "<" + priority + ">1 " + SECONDS.format(at) + " " + host + " " + tag + " " + pid + " " + tag + " - ";
            case "rfc5424micro" ->
                "<" + priority + ">1 " + MICROS.format(at) + " " + host + " " + tag + " " + pid + " " + tag + " - ";
            case "rfc3164" -> "<" + priority + ">" + stamp + " " + host + " " + tag + "[" + pid + "]: ";
            default -> "<" + priority + ">" + stamp + " " + tag + "[" + pid + "]: ";
        };
        byte[] start = head.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream message = new ByteArrayOutputStream(start.length + text.length + 8);
        if (scheme.equals(SECURE) && format.startsWith("rfc5424")) {
            // Octet counting of RFC 5425, section 4.3.
            message.writeBytes((start.length + text.length + 1 + " ").getBytes(StandardCharsets.US_ASCII));
        }
        message.writeBytes(start);
        message.writeBytes(text);
        message.write('\n');
        return message.toByteArray();
    }

    @Override
    Line connect() throws IOException {
        return switch (scheme) {
            case "udp" -> Line.udp(place, port);
            case "tcp" -> Line.tcp(place, port);
            case SECURE -> Line.tls(place, port, tls());
            case "unix" -> Line.unix(descriptors, Path.of(place), SocketType.STREAM);
            default -> Line.unix(descriptors, Path.of(place), SocketType.DATAGRAM);
        };
    }

    /** Read for each connection, so that certificates may be renewed. */
    private ClientTls tls() throws IOException {
        String certificate = options.getOrDefault("syslog-tls-cert", "");
        String key = options.getOrDefault("syslog-tls-key", "");
        if (certificate.isEmpty() != key.isEmpty()) {
            throw new IOException("syslog-tls-cert and syslog-tls-key go together: a certificate needs its key");
        }
        return new ClientTls(
                Stream.of(options.getOrDefault("syslog-tls-ca-cert", ""))
                        .filter(file -> !file.isEmpty())
                        .map(Path::of)
                        .toList(),
                certificate.isEmpty() ? List.of() : List.of(new ClientTls.Identity(Path.of(certificate), Path.of(key))),
                options.containsKey("syslog-tls-skip-verify"));
    }
}
