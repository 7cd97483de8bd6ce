package dev.wharf.core.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CountedStreamTest {
    private final List<Long> told = new ArrayList<>();

    private void pass(int bytes, long offset) throws IOException {
        try (CountedStream stream =
                new CountedStream(new ByteArrayInputStream(new byte[bytes]), told::add).from(offset)) {
            byte[] some = new byte[100_000];
            while (stream.read(some) >= 0) {
                assertThat(told).isNotEmpty();
            }
        }
    }

    @Test
    void whatIsSmallIsToldOfToo() throws IOException {
        pass(5, 0);
        assertThat(told).containsExactly(5L);
    }

    @Test
    void whatIsLargeIsToldOfNowAndThen() throws IOException {
        pass(700_000, 1_000_000);
        assertThat(told).containsExactly(1_100_000L, 1_400_000L, 1_700_000L);
    }

    @Test
    void ofNothingNothingIsTold() throws IOException {
        pass(0, 0);
        assertThat(told).isEmpty();
    }
}
