package dev.wharf.model;

/** Names a container: 64 lower-case hexadecimal digits, chosen by the caller of {@code create}. */
public record ContainerId(String value) implements SubjectId {
    public ContainerId {
        Checks.hex(value, 64, "container id");
    }

    @Override
    public String kind() {
        return "container";
    }

    /** The first twelve digits, as people see them. */
    public String shortForm() {
        return value.substring(0, 12);
    }

    @Override
    public String toString() {
        return value;
    }
}
