package dev.wharf.core.agent;

import java.util.List;

/** What operators wrote into files of settings and what does not count. */
public interface Refusals {
    /**
     * Settings of a bundle that were refused, each with the reason and what counts instead.
     *
     * @param bundle its symbolic name
     */
    List<String> of(String bundle);
}
