package dev.wharf.engine.containers;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Docker's words for the state of a container, derived from its goal and facts. */
public final class Words {
    private Words() {}

    /** created, running, paused, restarting, removing, exited or dead. */
    public static String state(Container c) {
        if (c.goal() == Goal.REMOVED && !c.isRunning()) {
            return c.stall().isPresent() ? "dead" : "removing";
        }
        if (c.isPaused()) {
            return "paused";
        }
        if (c.isRunning()) {
            return "running";
        }
        if (c.isRestarting()) {
            return "restarting";
        }
        return c.startedAt().isEmpty() && c.exit().isEmpty() ? "created" : "exited";
    }

    /** The moment whose distance the status tells of, if it tells of any. */
    static Optional<Instant> reckonedFrom(Container c) {
        return switch (state(c)) {
            case "restarting", "exited" -> c.exit().map(e -> e.at());
            case "running", "paused" -> c.startedAt();
            default -> Optional.empty();
        };
    }

    /** The status text of a list, such as {@code Up 3 seconds (healthy)}; scripts read it. */
    static String status(Container c, Instant now) {
        String state = state(c);
        switch (state) {
            case "removing" -> {
                return "Removal In Progress";
            }
            case "dead" -> {
                return "Dead";
            }
            case "created" -> {
                return "Created";
            }
            default -> {}
        }
        int code = ContainerShapes.exitCode(c);
        String ago = c.exit().map(e -> age(e.at(), now) + " ago").orElse("");
        if (state.equals("restarting")) {
            return "Restarting (" + code + ") " + ago;
        }
        if (state.equals("exited")) {
            return "Exited (" + code + ") " + ago;
        }
        String up = "Up " + c.startedAt().map(s -> age(s, now)).orElse("");
        if (state.equals("paused")) {
            return up + " (Paused)";
        }
        return up
                + c.health()
                        .map(h -> h.status().equals("starting") ? " (health: starting)" : " (" + h.status() + ")")
                        .orElse("");
    }

    /** A duration as Docker's units package says it. */
    static String age(Instant then, Instant now) {
        long seconds = Math.max(0, Duration.between(then, now).toSeconds());
        if (seconds < 1) {
            return "Less than a second";
        }
        if (seconds == 1) {
            return "1 second";
        }
        if (seconds < 60) {
            return seconds + " seconds";
        }
        long minutes = seconds / 60;
        if (minutes == 1) {
            return "About a minute";
        }
        if (minutes < 60) {
            return minutes + " minutes";
        }
        long hours = Math.round(seconds / 3600.0);
        if (hours == 1) {
            return "About an hour";
        }
        if (hours < 48) {
            return hours + " hours";
        }
        if (hours < 24 * 7 * 2) {
            return hours / 24 + " days";
        }
        if (hours < 24 * 30 * 2) {
            return hours / 24 / 7 + " weeks";
        }
        if (hours < 24 * 365 * 2) {
            return hours / 24 / 30 + " months";
        }
        return hours / 24 / 365 + " years";
    }
}
