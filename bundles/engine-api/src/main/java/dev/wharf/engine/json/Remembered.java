package dev.wharf.engine.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Documents as lines, for as long as what they tell of is the same. The state is made of values that never change, so the
 * same object says the same; only that is asked, and nothing is compared.
 */
public final class Remembered {
    /** What is held together; what was asked for longest ago goes first. */
    private static final int MOST_BYTES = 4 << 20;

    private final Map<String, Entry> entries = new LinkedHashMap<>(64, 0.75f, true);
    private int heldBytes;

    @SuppressWarnings("ArrayRecordComponent") // never compared, and nobody changes it
    private record Entry(List<Object> told, byte[] bytes) {
        boolean tells(List<Object> things) {
            for (int i = 0; i < told.size(); i++) {
                if (told.get(i) != things.get(i)) {
                    return false;
                }
            }
            return true;
        }
    }

    /**
     * The document of a name, written anew where any of {@code things} is another than the last time.
     *
     * @param things all that the document tells of, always as many and in the same order for one name
     */
    public byte[] json(String name, List<Object> things, Supplier<JsonNode> document) {
        Entry known = find(name);
        if (known != null && known.tells(things)) {
            return known.bytes();
        }
        byte[] bytes = Json.line(document.get());
        keep(name, new Entry(things, bytes));
        return bytes;
    }

    private synchronized @Nullable Entry find(String name) {
        return entries.get(name);
    }

    private synchronized void keep(String name, Entry entry) {
        Entry before = entries.put(name, entry);
        heldBytes += entry.bytes().length - (before == null ? 0 : before.bytes().length);
        for (var oldest = entries.values().iterator(); heldBytes > MOST_BYTES && oldest.hasNext(); ) {
            heldBytes -= oldest.next().bytes().length;
            oldest.remove();
        }
    }
}
