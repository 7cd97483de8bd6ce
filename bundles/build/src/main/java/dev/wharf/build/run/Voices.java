package dev.wharf.build.run;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Lets stages that run side by side speak one after the other: the first that is not done is heard as it speaks, the others
 * when it is their turn.
 */
final class Voices {
    /** Text that is held back for a stage whose turn has not come; what is beyond is cut, and said to be. */
    private static final int MOST_HELD = 8 << 20;

    private final Report report;
    private final TreeMap<Integer, Voice> waiting = new TreeMap<>();

    Voices(Report report) {
        this.report = report;
    }

    /** The voice of a stage. All are asked for before the first speaks. */
    synchronized Voice of(int stage) {
        return waiting.computeIfAbsent(stage, Voice::new);
    }

    final class Voice {
        private final int stage;
        private final List<Runnable> held = new ArrayList<>();
        private int heldChars;
        private boolean done;

        private Voice(int stage) {
            this.stage = stage;
        }

        void say(String text) {
            tell(() -> report.stream(text), text.length());
        }

        void status(String status, String id) {
            tell(() -> report.status(status, id), status.length());
        }

        private void tell(Runnable words, int length) {
            synchronized (Voices.this) {
                if (waiting.isEmpty() || waiting.firstKey() >= stage) {
                    words.run();
                } else if (heldChars < MOST_HELD) {
                    heldChars += length;
                    held.add(words);
                    if (heldChars >= MOST_HELD) {
                        held.add(() -> report.stream("[the rest of this output was too much to hold back]\n"));
                    }
                }
            }
        }

        /** It has nothing more to say. */
        void end() {
            synchronized (Voices.this) {
                done = true;
                while (!waiting.isEmpty() && waiting.firstEntry().getValue().done) {
                    waiting.pollFirstEntry();
                    if (!waiting.isEmpty()) {
                        waiting.firstEntry().getValue().catchUp();
                    }
                }
            }
        }

        private void catchUp() {
            held.forEach(Runnable::run);
            held.clear();
        }
    }
}
