package dev.wharf.engine.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/** Removes many things for one request. */
public final class Sweep {
    /** All of thousands at once would fill the box in which the wishes of others wait, too. */
    private static final int AT_ONCE = 64;

    /** Something that went, and the room that it gave back. */
    public record Pruned(String name, long sizeBytes) {}

    private Sweep() {}

    /** The room that all of them gave back. */
    public static long bytes(List<Pruned> all) {
        return all.stream().mapToLong(Pruned::sizeBytes).sum();
    }

    /**
     * Removes one thing after the other, some at once; what was removed. What cannot be is left out, and that is no error:
     * somebody may have begun to use it since it was chosen. Where the client goes away, nothing more is begun.
     *
     * @param removal begins a removal; it may block
     */
    public static <T, R> CompletionStage<List<R>> all(
            Request request, List<T> things, Function<T, CompletionStage<R>> removal) {
        AtomicBoolean gone = new AtomicBoolean();
        request.onGone(() -> gone.set(true));
        return request.transfer(() -> {
            Semaphore places = new Semaphore(AT_ONCE);
            List<CompletableFuture<Optional<R>>> removals = new ArrayList<>();
            for (T thing : things) {
                places.acquire();
                if (gone.get()) {
                    places.release();
                    break;
                }
                removals.add(removal.apply(thing)
                        .handle((removed, refused) -> {
                            places.release();
                            return refused == null ? Optional.of(removed) : Optional.<R>empty();
                        })
                        .toCompletableFuture());
            }
            places.acquire(AT_ONCE);
            return removals.stream().flatMap(r -> r.join().stream()).toList();
        });
    }
}
