package dev.wharf.build.dockerfile;

import java.util.Collection;
import java.util.Comparator;

/** What somebody may have meant. */
final class Suggestion {
    private static final int FARTHEST = 2;

    private Suggestion() {}

    /** The known word nearest to {@code word} as the end of a sentence, or nothing where none is near. */
    static String of(String word, Collection<String> known) {
        return known.stream()
                .filter(k -> distance(word, k) <= Math.min(FARTHEST, k.length() - 1))
                .min(Comparator.comparingInt((String k) -> distance(word, k)).thenComparing(k -> k))
                .map(k -> " (did you mean " + k + "?)")
                .orElse("");
    }

    /** How many letters are to be added, taken away or changed. */
    private static int distance(String a, String b) {
        if (Math.abs(a.length() - b.length()) > FARTHEST) {
            return FARTHEST + 1;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
