package dev.wharf.jmx;

import java.util.Map;

/** One implementation of a driver, as {@code dev.wharf:type=Driver,kind=storage,name="overlay",implementation="..."}. */
public interface DriverMXBean {
    /** {@code storage}, {@code network}, {@code registry} or {@code runtime}. */
    String getKind();

    String getName();

    String getImplementation();

    int getRank();

    /** {@code serving}, {@code waiting}, {@code arriving} or {@code rejected}. */
    String getStanding();

    /** Why it does not serve, empty where it does. */
    String getWhy();

    /** Calls that are in it now. */
    int getCallsInside();

    /** Calls that it was lent to since it is there. */
    long getCalls();

    /** How many of them failed, refusals included. */
    long getFailures();

    /** {@code count}, {@code sumNanos}, {@code p50Nanos}, {@code p90Nanos}, {@code p99Nanos}, {@code maxNanos} of them. */
    Map<String, Long> getTimes();

    /** Asks every implementation under the name anew; answers with how each stands. */
    String[] probe();

    /** Makes this implementation serve; answers with the journal's position. */
    long swap();

    /** Makes that serve again which served before. */
    long rollBack();
}
