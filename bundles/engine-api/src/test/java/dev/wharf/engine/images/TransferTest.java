package dev.wharf.engine.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TransferTest {
    private final List<Runnable> departures = new ArrayList<>();
    private final List<String> cancelled = new ArrayList<>();
    private final Transfer transfer = new Transfer(departures::add);

    @Test
    void aClientThatLeavesCancelsWhatIsUnderWayAndWhatIsBegunAfterwards() {
        transfer.onGone(() -> cancelled.add("first"));
        assertThat(transfer.isLeft()).isFalse();

        departures.forEach(Runnable::run);
        transfer.onGone(() -> cancelled.add("second"));

        assertThat(cancelled).containsExactly("first", "second");
        assertThat(transfer.isLeft()).isTrue();
    }

    @Test
    void aClientThatHeardAllCancelsNothing() {
        transfer.onGone(() -> cancelled.add("first"));
        transfer.end();

        departures.forEach(Runnable::run);

        assertThat(cancelled).isEmpty();
    }
}
