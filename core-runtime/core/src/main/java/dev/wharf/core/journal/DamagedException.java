package dev.wharf.core.journal;

import java.io.IOException;

/**
 * A reader came to records that were here once and cannot be read any more. It is thrown once for each such run; the next
 * poll goes on behind it, so that what follows stays usable.
 */
public final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient EventJournal.Damage damage;
    private final transient Position last;

    public DamagedException(EventJournal.Damage damage, Position last) {
        super(damage.what());
        this.damage = damage;
        this.last = last;
    }

    /** The first position that is damaged, and what is wrong. */
    public EventJournal.Damage damage() {
        return damage;
    }

    /** The last position of the run. */
    public Position last() {
        return last;
    }
}
