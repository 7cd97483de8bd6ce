package dev.wharf.engine.containers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.engine.http.Duplex;
import dev.wharf.spi.runtime.Attachment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class JointTest {
    private final StringBuilder said = new StringBuilder();
    private final List<String> process = new ArrayList<>();
    private boolean finished;
    private Runnable gone = () -> {};

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
        public void onGone(Runnable listener) {
            gone = listener;
        }
    };

    @Test
    void theEndOfTheClientsInputIsThatOfTheProcess() {
        Joint joint = joined(true);

        joint.ended();

        assertThat(process).containsExactly("input closed");
        assertThat(finished).isFalse();
    }

    @Test
    void aClientThatVanishesEndsTheInputAsWell() {
        joined(true);

        gone.run();

        assertThat(process).containsExactly("input closed", "left");
    }

    @Test
    void whereTheProcessReadsOnAClientWhoseInputEndsIsLetGo() {
        Joint joint = joined(false);

        joint.ended();

        assertThat(process).containsExactly("left");
        assertThat(finished).isTrue();
    }

    private Joint joined(boolean inputEnds) {
        Joint joint = new Joint(true, true, true, true, inputEnds, DetachKeys.NONE, () -> {});
        joint.open(() -> new Attachment() {
            @Override
            public boolean write(ByteBuffer input) {
                return true;
            }

            @Override
            public void closeInput() {
                process.add("input closed");
            }

            @Override
            public void reading(boolean wanted) {}

            @Override
            public void close() {
                process.add("left");
            }
        });
        joint.talk(client);
        return joint;
    }

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
