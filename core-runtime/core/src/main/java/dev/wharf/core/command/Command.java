package dev.wharf.core.command;

import dev.wharf.core.state.Host;
import java.time.Instant;

/** A wish. It carries its own identifiers, so that a repeated command is the same command. */
public sealed interface Command
        permits BuildCommand,
                ContainerCommand,
                DesiredCommand,
                ImageCommand,
                NetworkCommand,
                VolumeCommand,
                DriverCommand,
                HostCommand,
                StorageCommand {
    /** Judges the wish against the host as it stands; the same host and time give the same answer. */
    Decision decide(Host host, Instant now);

    /** Whether it only ends or gives back, so that it is heard when there is hardly space left to write anything down. */
    default boolean letsGo() {
        return false;
    }
}
