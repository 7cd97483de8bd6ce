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

    /** How many letters are to be added, taken away, changed or swapped with their neighbour. */
    private static int distance(String a, String b) {
        if (Math.abs(a.length() - b.length()) > FARTHEST) {
            return FARTHEST + 1;
        }
        int[][] table = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    table[i][j] = i + j;
                    continue;
                }
                int change = table[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                int best = Math.min(change, 1 + Math.min(table[i - 1][j], table[i][j - 1]));
                boolean swapped =
                        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                table[i][j] = swapped ? Math.min(best, table[i - 2][j - 2] + 1) : best;
            }
        }
        return table[a.length()][b.length()];
    }
}
