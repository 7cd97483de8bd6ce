package dev.wharf.model;

/** Names one wish to bring an image here, by pull, load, import or commit: 32 hexadecimal digits. */
public record PullId(String value) implements SubjectId {
    public PullId {
        Checks.hex(value, 32, "pull id");
    }

    @Override
    public String kind() {
        return "pull";
    }

    @Override
    public String toString() {
        return value;
    }
}
