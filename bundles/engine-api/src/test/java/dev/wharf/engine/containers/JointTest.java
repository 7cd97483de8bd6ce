package dev.wharf.engine.containers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.engine.http.Duplex;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class JointTest {
    private final StringBuilder said = new StringBuilder();
    private boolean finished;

    private final Duplex client = new Duplex() {
        @Override
        public boolean send(byte[] head, ByteBuffer bytes) {
            said.append(StandardCharsets.UTF_8.decode(bytes));
            return true;
        }

        @Override
        public void onWritable(Runnable wake) {}

        @Override
        public void listen(Input input) {}

        @Override
        public void reading(boolean wanted) {}

        @Override
        public void finish() {
            finished = true;
        }

        @Override
        public void onGone(Runnable gone) {}
    };

    @Test
    void whoIsRefusedWaitsForNoEndOfWhatNeverBegan() {
        Joint joint = new Joint(true, false, true, true, true, DetachKeys.NONE, () -> {});
        joint.endAfter(end -> {});
        joint.talk(client);

        joint.refuse("the container is paused\r\n");

        assertThat(said).hasToString("the container is paused\r\n");
        assertThat(finished).isTrue();
    }
}
