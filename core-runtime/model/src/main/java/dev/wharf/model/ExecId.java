package dev.wharf.model;

/** Names one command run inside a container beside its first process: 64 hexadecimal digits. */
public record ExecId(String value) {
    public ExecId {
        Checks.hex(value, 64, "exec id");
    }

    @Override
    public String toString() {
        return value;
    }
}
