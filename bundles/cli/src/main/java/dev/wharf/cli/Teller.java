package dev.wharf.cli;

import java.io.IOException;

/** Prints events one after another, as a story or as a log. */
final class Teller {
    private static final int WIDEST_NAME = 24;
    private static final int TYPE_WIDTH = 27;
    private static final int POSITION_WIDTH = 7;

    private final Output out;
    private final Times times;
    private final boolean asStory;
    private String day = "";
    private int nameWidth = 14;

    Teller(Output out, Times times, boolean asStory) {
        this.out = out;
        this.times = times;
        this.asStory = asStory;
    }

    void tell(Json event) throws IOException {
        String type = event.text("type");
        if (asStory && isBookkeeping(type)) return;
        String at = event.text("at");
        if (!times.day(at).equals(day)) {
            day = times.day(at);
            out.line(out.faint("-- " + day));
        }
        String by = event.text("by");
        // Names come one by one, so the column grows with them and stays so.
        nameWidth = Math.min(WIDEST_NAME, Math.max(nameWidth, event.text("name").length()));
        String name = Table.pad(event.text("name"), nameWidth);
        String words = event.text("story");
        String told = type.endsWith(".failed") || type.endsWith("stalled") ? out.bad(words) : words;
        out.line(
                asStory
                        ? times.clock(at) + "  " + out.bold(name) + "  " + told
                                + (by.isEmpty() ? "" : out.faint(" — asked by " + by))
                        : out.faint(" "
                                                .repeat(Math.max(
                                                        0,
                                                        POSITION_WIDTH
                                                                - event.text("position")
                                                                        .length()))
                                        + event.text("position"))
                                + "  " + times.clock(at) + "  " + out.bold(name) + "  " + Table.pad(type, TYPE_WIDTH)
                                + "  " + told
                                + (by.isEmpty() ? "" : out.faint(" [" + by + "]")));
    }

    /** What is written for the journal's own sake is no part of the story. */
    private static boolean isBookkeeping(String type) {
        return type.endsWith("recorded") || type.startsWith("host.checkpoint-");
    }
}
