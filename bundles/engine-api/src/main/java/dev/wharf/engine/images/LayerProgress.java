package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Digest;
import dev.wharf.model.Progress;
import dev.wharf.model.Repository;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Turns what the agent tells of blobs into the records that draw Docker's progress bars. */
final class LayerProgress {
    /** A terminal is not drawn more often than this. */
    private static final long BEAT = TimeUnit.MILLISECONDS.toNanos(100);

    private final Transfer transfer;
    private final Map<Digest, Long> drawn = new HashMap<>();
    private final Set<Digest> announced = new HashSet<>();
    private final Set<Digest> done = new HashSet<>();
    private final Set<Digest> moved = new HashSet<>();
    private final boolean outgoing;
    private final Map<Digest, String> beside;

    /** What comes here. */
    LayerProgress(Transfer transfer) {
        this(transfer, false, Map.of());
    }

    private LayerProgress(Transfer transfer, boolean outgoing, Map<Digest, String> beside) {
        this.transfer = transfer;
        this.outgoing = outgoing;
        this.beside = beside;
    }

    /** What goes to a registry; {@code beside} names repositories of it that have blobs already. */
    static LayerProgress outgoing(Transfer transfer, Map<Digest, String> beside) {
        return new LayerProgress(transfer, true, beside);
    }

    static String id(Digest digest) {
        return digest.hex().substring(0, 12);
    }

    static ObjectNode status(Digest digest, String status) {
        ObjectNode record = Json.object().put("status", status);
        record.putObject("progressDetail");
        return record.put("id", id(digest));
    }

    synchronized void announce(Digest digest, String status) {
        if (announced.add(digest)) {
            transfer.tell(status(digest, status));
        }
    }

    /** One that is here already, of which there is nothing else to tell. */
    synchronized void exists(Digest digest) {
        done.add(digest);
        announce(digest, "Already exists");
    }

    synchronized boolean isAnnounced(Digest digest) {
        return announced.contains(digest);
    }

    synchronized void heard(Progress progress) {
        if (progress.kind().isOutgoing() != outgoing) {
            return;
        }
        Digest content = progress.content();
        if (progress.kind() != Progress.Kind.SENT) {
            moved.add(content);
        }
        if (!announced.contains(content)) {
            return;
        }
        switch (progress.kind()) {
            case FETCHING -> draw(content, "Downloading", progress.done(), progress.total());
            case SENDING -> draw(content, "Pushing", progress.done(), progress.total());
            case SENT -> finish(content, moved.contains(content) ? "Pushed" : "Layer already exists");
            case MOUNTED ->
                finish(
                        content,
                        beside.containsKey(content)
                                ? "Mounted from "
                                        + Repository.parse(beside.get(content)).path()
                                : "Layer already exists");
            case FETCHED -> {
                transfer.tell(status(content, "Verifying Checksum"));
                transfer.tell(status(content, "Download complete"));
            }
            case UNPACKING -> draw(content, "Extracting", progress.done(), progress.total());
            case UNPACKED -> finish(content, "Pull complete");
            case RETRYING -> transfer.tell(status(content, "Retrying"));
        }
    }

    synchronized void finish(Digest content, String status) {
        if (done.add(content)) {
            transfer.tell(status(content, status));
        }
    }

    private void draw(Digest content, String status, long current, long total) {
        long now = System.nanoTime();
        Long before = drawn.get(content);
        if (before != null && now - before < BEAT) {
            return;
        }
        drawn.put(content, now);
        ObjectNode record = Json.object().put("status", status);
        ObjectNode detail = record.putObject("progressDetail").put("current", current);
        if (total > 0) {
            detail.put("total", total);
        }
        transfer.mention(record.put("progress", bar(current, total)).put("id", id(content)));
    }

    /** The drawn bar, which old clients show as it is. */
    static String bar(long current, long total) {
        if (total <= 0) {
            return size(current);
        }
        int filled = (int) Math.min(50, current * 50 / total);
        return "[" + "=".repeat(filled) + (filled < 50 ? ">" : "") + " ".repeat(Math.max(0, 49 - filled)) + "]  "
                + size(current) + "/" + size(total);
    }

    private static String size(long bytes) {
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        // Four significant digits, as Docker's own units package prints them.
        return new java.math.BigDecimal(value)
                        .round(new java.math.MathContext(4))
                        .stripTrailingZeros()
                        .toPlainString()
                + units[unit];
    }
}
