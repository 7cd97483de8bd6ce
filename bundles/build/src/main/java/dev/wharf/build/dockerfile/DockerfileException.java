package dev.wharf.build.dockerfile;

/** A Dockerfile that cannot be built as it is written; says where and shows the line. */
public final class DockerfileException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String what;
    private final int line;

    private DockerfileException(String what, String message, int line) {
        super(message, null, false, false);
        this.what = what;
        this.line = line;
    }

    /** What is wrong, without where. */
    public String what() {
        return what;
    }

    /** The line of the file, from 1; 0 where no single line is to blame. */
    public int line() {
        return line;
    }

    /** What is wrong with the file as a whole. */
    public static DockerfileException of(String message) {
        return new DockerfileException(message, message, 0);
    }

    /** What was wrong before anything could be built, in the words that clients know from Docker. */
    static DockerfileException at(Place place, String message) {
        return new DockerfileException(
                message,
                "dockerfile parse error on line " + place.line() + ": " + message + "\n" + place.shown(),
                place.line());
    }

    /** What is wrong with one instruction. */
    public static DockerfileException at(Instruction instruction, String message) {
        return new DockerfileException(
                message,
                message + "\n" + instruction.place().shown(),
                instruction.place().line());
    }
}
