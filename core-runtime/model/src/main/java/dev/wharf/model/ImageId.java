package dev.wharf.model;

/** Names an image by the digest of its config document, as the OCI image spec defines an ImageID. */
public record ImageId(Digest digest) implements SubjectId {
    public static ImageId parse(String text) {
        return new ImageId(Digest.parse(text));
    }

    @Override
    public String kind() {
        return "image";
    }

    @Override
    public String value() {
        return digest.toString();
    }

    /** The first twelve hexadecimal digits, as people see them. */
    public String shortForm() {
        return digest.hex().substring(0, 12);
    }

    @Override
    public String toString() {
        return value();
    }
}
