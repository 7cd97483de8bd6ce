package dev.wharf.model;

/** Names a driver by what it is for and what operators call it, such as {@code storage/overlay}. */
public record DriverId(DriverKind driverKind, DriverName name) implements SubjectId {
    @Override
    public String kind() {
        return "driver";
    }

    @Override
    public String value() {
        return driverKind.word() + "/" + name.value();
    }

    @Override
    public String toString() {
        return value();
    }
}
