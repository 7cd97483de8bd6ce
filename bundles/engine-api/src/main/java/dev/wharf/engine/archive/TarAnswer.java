package dev.wharf.engine.archive;

import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Request;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * An answer whose body is a tar that is made while it is sent. What fails before the first byte is an error of its own; what
 * fails later breaks the answer off, so that nobody takes half a tar for a whole one.
 */
final class TarAnswer {
    private static final int BUFFER = 128 << 10;

    private final Request request;
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final CompletableFuture<Outlet> outlet = new CompletableFuture<>();

    TarAnswer(Request request) {
        this.request = request;
    }

    /** Runs {@code work} on a thread that may wait for the client; it calls {@link #send} in the end, or throws. */
    Answer after(Callable<?> work) {
        request.transfer(work).whenComplete((done, thrown) -> {
            if (thrown != null && !answer.completeExceptionally(thrown)) {
                outlet.thenAccept(Outlet::abort);
            }
        });
        return Answer.later(answer);
    }

    /** Sends the tar to its end, packed where the client asks for that. */
    void send(Map<String, String> headers, InputStream tar) throws IOException {
        boolean gzip = request.header("Accept-Encoding").orElse("").contains("gzip");
        Map<String, String> all = new LinkedHashMap<>(headers);
        if (gzip) {
            all.put("Content-Encoding", "gzip");
        }
        answer.complete(new Answer.Flow(200, "application/x-tar", all, outlet::complete));
        OutputStream out = packed(opened().blocking(), gzip);
        byte[] buffer = new byte[BUFFER];
        for (int count = tar.read(buffer); count >= 0; count = tar.read(buffer)) {
            out.write(buffer, 0, count);
        }
        // Closing tells the client that all is there, so it must not happen where the tar ended early.
        out.close();
    }

    private static OutputStream packed(OutputStream out, boolean gzip) throws IOException {
        return gzip ? new Gzip(out) : out;
    }

    private Outlet opened() throws IOException {
        try {
            return outlet.get(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the engine stops", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the client went away before its answer began", e);
        }
    }

    /** Between processes of one machine speed is worth more than size. */
    private static final class Gzip extends GZIPOutputStream {
        Gzip(OutputStream out) throws IOException {
            super(out, BUFFER);
            def.setLevel(Deflater.BEST_SPEED);
        }
    }
}
