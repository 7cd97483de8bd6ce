package dev.wharf.model;

/** Names a network: 64 lower-case hexadecimal digits. */
public record NetworkId(String value) implements SubjectId {
    public NetworkId {
        Checks.hex(value, 64, "network id");
    }

    @Override
    public String kind() {
        return "network";
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
