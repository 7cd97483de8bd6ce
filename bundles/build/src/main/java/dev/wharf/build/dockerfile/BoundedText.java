package dev.wharf.build.dockerfile;

/**
 * A text that a regular expression may look at so often only, its parts included: a pattern that tries without end is given up.
 * Used by one thread.
 */
public final class BoundedText implements CharSequence {
    /** Thousands of times what an honest pattern needs, and over within a moment. */
    private static final int MOST_LOOKS = 1 << 22;

    private final String text;
    private final int[] looks;

    public BoundedText(String text) {
        this(text, new int[1]);
    }

    private BoundedText(String text, int[] looks) {
        this.text = text;
        this.looks = looks;
    }

    /** A pattern was given up. */
    public static final class TooHardException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooHardException(String text) {
            super("a pattern has too many ways to match \""
                    + (text.length() > 100 ? text.substring(0, 100) + "..." : text)
                    + "\"; write it with fewer wildcards");
        }
    }

    @Override
    public char charAt(int index) {
        if (++looks[0] > MOST_LOOKS) {
            throw new TooHardException(text);
        }
        return text.charAt(index);
    }

    @Override
    public int length() {
        return text.length();
    }

    @Override
    public BoundedText subSequence(int from, int to) {
        return new BoundedText(text.substring(from, to), looks);
    }

    @Override
    public String toString() {
        return text;
    }
}
