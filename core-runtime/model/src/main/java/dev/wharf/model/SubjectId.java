package dev.wharf.model;

/**
 * Names one thing that has a goal, facts and a history. The text form is {@code kind:value}, unique on a host.
 */
public sealed interface SubjectId
        permits ContainerId,
                ImageId,
                PullId,
                LayerId,
                NetworkId,
                VolumeName,
                DriverId,
                ServiceName,
                DocumentKey,
                SubjectId.HostItself {
    /** The kind in one lower-case word, such as {@code container}. */
    String kind();

    /** The identifier within its kind. */
    String value();

    /** The text form, {@code kind:value}. */
    default String text() {
        return kind() + ":" + value();
    }

    /** The host as a subject of its own: boots, checkpoints, sweeps. */
    record HostItself() implements SubjectId {
        @Override
        public String kind() {
            return "host";
        }

        @Override
        public String value() {
            return "itself";
        }
    }
}
