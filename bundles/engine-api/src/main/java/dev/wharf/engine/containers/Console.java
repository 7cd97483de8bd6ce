package dev.wharf.engine.containers;

import dev.wharf.engine.http.Body;
import java.util.List;

/** The size of a terminal at first, as {@code ConsoleSize} gives it: rows before columns, 0 where nobody said. */
record Console(int rows, int columns) {
    private static final int LARGEST = 1000;
    static final Console NONE = new Console(0, 0);

    static Console of(Body body) {
        List<Long> size = body.numbers("ConsoleSize");
        boolean sized = size.size() == 2 && size.stream().allMatch(side -> side > 0 && side <= LARGEST);
        return sized ? new Console(size.get(0).intValue(), size.get(1).intValue()) : NONE;
    }
}
