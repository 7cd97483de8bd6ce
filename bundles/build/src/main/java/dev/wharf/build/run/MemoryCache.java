package dev.wharf.build.run;

import dev.wharf.model.Digest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A cache that knows what this process did. */
public final class MemoryCache implements StepCache {
    private static final int MOST = 20_000;

    private final Map<Digest, Cached> steps = new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, Cached> eldest) {
            return size() > MOST;
        }
    };

    @Override
    public synchronized Optional<Cached> find(Digest key) {
        return Optional.ofNullable(steps.get(key));
    }

    @Override
    public synchronized void keep(Digest key, Cached step) {
        steps.put(key, step);
    }
}
