package dev.wharf.runtime;

import java.io.FileInputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * The text of one small file of the kernel after the other, and the numbers in it. Made for reading thousands of them in a few
 * milliseconds: each costs an open, a read and a close, and no object but the stream. What this kernel has no file for, or what
 * goes away meanwhile, reads as empty.
 */
final class Figures {
    /** More than nearly any of these files holds; the kernel hands out a page at most at a time. */
    private static final int USUAL = 4096;

    /** The kernel hands out whole lines, a page of them; where it stopped this early, no line was left. */
    private static final int SHORT = USUAL / 2;

    private byte[] text = new byte[USUAL];
    private int end;

    /** Where {@link #next} reads on. */
    private int at;

    Figures of(String file) {
        at = 0;
        end = 0;
        try (FileInputStream in = new FileInputStream(file)) {
            for (int n = in.read(text); n > 0; n = in.read(text, end, text.length - end)) {
                end += n;
                if (n < SHORT && text[end - 1] == '\n') {
                    break;
                }
                if (end == text.length) {
                    text = Arrays.copyOf(text, 2 * end);
                }
            }
        } catch (IOException e) {
            end = 0;
        }
        return this;
    }

    boolean isEmpty() {
        return end == 0;
    }

    /** The first number of the file, 0 without one. */
    long first() {
        at = 0;
        return next();
    }

    /** The number after a word at the beginning of a line, 0 without one. */
    long of(String word, String file) {
        of(file);
        return after(word);
    }

    long after(String word) {
        for (at = 0; at < end; skipLine()) {
            if (isNext(word) && at + word.length() < end && text[at + word.length()] == ' ') {
                at += word.length();
                return next();
            }
        }
        return 0;
    }

    /** The sum of the numbers that follow a word, wherever it stands. */
    long sumAfter(String word) {
        long sum = 0;
        for (at = 0; at < end; at++) {
            if (isNext(word)) {
                at += word.length();
                sum += next();
            }
        }
        return sum;
    }

    boolean hasMore() {
        return at < end;
    }

    void skipLine() {
        while (at < end && text[at++] != '\n') {}
    }

    void skipSpaces() {
        while (at < end && text[at] == ' ') {
            at++;
        }
    }

    /** Whether this stands where we are. */
    boolean isNext(String word) {
        if (at + word.length() > end) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if (text[at + i] != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Goes on past this character, if there is one in the line. */
    boolean skipPast(char character) {
        for (int i = at; i < end && text[i] != '\n'; i++) {
            if (text[i] == character) {
                at = i + 1;
                return true;
            }
        }
        return false;
    }

    /** The next number of the line, 0 without one. */
    long next() {
        while (at < end && text[at] != '\n' && !isDigit(text[at])) {
            at++;
        }
        long number = 0;
        while (at < end && isDigit(text[at])) {
            number = number * 10 + text[at++] - '0';
        }
        return number;
    }

    private static boolean isDigit(byte character) {
        return character >= '0' && character <= '9';
    }
}
