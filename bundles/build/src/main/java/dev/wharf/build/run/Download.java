package dev.wharf.build.run;

import dev.wharf.build.context.GitAddress;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Brings a file here from an address. */
public final class Download {
    private static final long LARGEST = 16L << 30;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration FAREWELL = Duration.ofSeconds(5);

    private Download() {}

    public static boolean isAddress(String text) {
        return text.startsWith("http://") || text.startsWith("https://");
    }

    /** Whether what ADD takes is brought from elsewhere: a file, or what a git repository holds. */
    static boolean isElsewhere(String text) {
        return isAddress(text) || GitAddress.isSource(text);
    }

    /**
     * The address that {@code text} is.
     *
     * @throws BuildException if it is none
     */
    public static URI parse(String text) throws BuildException {
        try {
            return URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new BuildException("failed to parse URL " + text + ": " + e.getMessage());
        }
    }

    /**
     * What is at an address, as it comes.
     *
     * @throws BuildException if nothing comes from there, or an error
     */
    public static InputStream open(URI address) throws BuildException, IOException, InterruptedException {
        return get(address).body();
    }

    private static HttpResponse<InputStream> get(URI address) throws BuildException, IOException, InterruptedException {
        HttpClient client = HttpClient.newBuilder()
                .connectTimeout(PATIENCE)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
        HttpResponse<InputStream> answer;
        try {
            answer = client.send(
                    HttpRequest.newBuilder(address).timeout(PATIENCE).build(),
                    HttpResponse.BodyHandlers.ofInputStream());
        } catch (IOException | IllegalArgumentException e) {
            // The client's own exceptions of a connection that fails say nothing but what they are.
            String why = e.getMessage() != null ? e.getMessage() : "no connection to " + address.getAuthority();
            throw new BuildException("failed to GET " + address + ": " + why);
        }
        int status = answer.statusCode();
        if (status >= 300) {
            answer.body().close();
            throw new BuildException("failed to GET " + address + " with status " + status
                    + (status < 400 ? ": it leads nowhere that is http(s), or in circles" : ""));
        }
        return answer;
    }

    /**
     * Writes what is at an address to {@code file}, with the time the server says it has.
     *
     * @param checksum what it must come to
     */
    public static void bring(String address, Path file, Optional<String> checksum)
            throws BuildException, IOException, InterruptedException {
        HttpResponse<InputStream> answer = get(parse(address));
        MessageDigest hash = Digest.hasher("sha256");
        write(answer.body(), address, file, hash);
        if (checksum.isPresent()) {
            String found = Digest.of("sha256", hash.digest()).toString();
            if (!found.equals(checksum.get())) {
                throw new BuildException(
                        "digest mismatch " + found + ": " + checksum.get() + " was asked for by --checksum");
            }
        }
        Optional<FileTime> time = answer.headers().firstValue("Last-Modified").flatMap(Download::time);
        Files.setLastModifiedTime(file, time.orElse(FileTime.fromMillis(0)));
    }

    /** A stream of the client's swallows interrupts while it waits; so another thread reads it, and this one can give it up. */
    private static void write(InputStream body, String address, Path file, MessageDigest hash)
            throws BuildException, IOException, InterruptedException {
        FutureTask<Path> writing = new FutureTask<>(() -> {
            try (InputStream in = body;
                    OutputStream out = Files.newOutputStream(file)) {
                byte[] buffer = new byte[64 << 10];
                long size = 0;
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    size += n;
                    if (size > LARGEST) {
                        throw new BuildException(address + " is larger than " + LARGEST + " bytes");
                    }
                    hash.update(buffer, 0, n);
                    out.write(buffer, 0, n);
                }
                return file;
            }
        });
        Thread writer = new Thread(writing, "wharf-download");
        writer.setDaemon(true);
        writer.start();
        try {
            writing.get();
        } catch (InterruptedException e) {
            body.close();
            writer.join(FAREWELL.toMillis());
            throw e;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof BuildException known) {
                throw known;
            }
            throw new IOException(address + " broke off: " + e.getCause(), e.getCause());
        }
    }

    private static Optional<FileTime> time(String text) {
        try {
            return Optional.of(FileTime.from(ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant()));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    /** The name that a file from there gets; empty where the address does not tell. */
    static String name(String address) {
        String path = Optional.ofNullable(URI.create(address).getPath()).orElse("");
        String name = path.substring(path.lastIndexOf('/') + 1);
        return name.equals(".") || name.equals("..") ? "" : name;
    }
}
