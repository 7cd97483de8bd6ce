package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.buildkit.wire.SessionWire.Stat;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * What a client's folder had when it was sent last, to compare with what it has now: both are lists in the order in which
 * clients walk. Writes down what it has now for the next time. One thread.
 */
final class FolderList implements Closeable {
    private final InputStream before;
    private final OutputStream after;
    private final Deque<String> gone = new ArrayDeque<>();
    private Optional<Stat> next;
    private ByteString last = ByteString.EMPTY;

    private FolderList(InputStream before, OutputStream after) throws IOException {
        this.before = before;
        this.after = after;
        this.next = read();
    }

    /** Nothing was there, and nothing is remembered. */
    static FolderList none() throws IOException {
        return new FolderList(InputStream.nullInputStream(), OutputStream.nullOutputStream());
    }

    /** @param before may not be there */
    static FolderList of(Path before, Path after) throws IOException {
        InputStream old = Files.exists(before)
                ? new BufferedInputStream(Files.newInputStream(before))
                : InputStream.nullInputStream();
        return new FolderList(old, new BufferedOutputStream(Files.newOutputStream(after)));
    }

    private Optional<Stat> read() throws IOException {
        return Optional.ofNullable(Stat.parseDelimitedFrom(before));
    }

    /** Whether something was there just as it is. Whatever is there is asked for in order. */
    boolean had(Stat now) throws IOException {
        if (compare(last, now.getPathBytes()) >= 0) {
            throw new IOException("the client lists its files in no order");
        }
        last = now.getPathBytes();
        now.writeDelimitedTo(after);
        while (next.isPresent() && compare(next.get().getPathBytes(), last) < 0) {
            forget();
        }
        if (next.isEmpty() || !next.get().getPathBytes().equals(last)) {
            return false;
        }
        Stat old = next.get();
        next = read();
        return old.equals(now);
    }

    private void forget() throws IOException {
        gone.push(next.orElseThrow().getPath());
        next = read();
    }

    /** What was there and is no more, those below before those above; asked when everything was listed. */
    List<String> gone() throws IOException {
        while (next.isPresent()) {
            forget();
        }
        return new ArrayList<>(gone);
    }

    /** By names, one after the other: what is in a directory comes right after it. */
    private static int compare(ByteString one, ByteString other) {
        int both = Math.min(one.size(), other.size());
        for (int i = 0; i < both; i++) {
            int difference = rank(one.byteAt(i)) - rank(other.byteAt(i));
            if (difference != 0) {
                return difference;
            }
        }
        return one.size() - other.size();
    }

    private static int rank(byte letter) {
        return letter == '/' ? -1 : letter & 0xff;
    }

    @Override
    public void close() throws IOException {
        before.close();
        after.close();
    }
}
