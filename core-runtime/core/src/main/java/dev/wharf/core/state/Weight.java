package dev.wharf.core.state;

import dev.wharf.model.ExecSpec;
import dev.wharf.model.NetworkWish;
import java.util.List;

/**
 * How many bytes something takes in the journal, where its texts say most of it. Who stands there whole, as in a checkpoint,
 * must fit in one batch, so what gathers about a subject has a bound.
 */
final class Weight {
    /** Names, numbers and punctuation around the texts of one exec. */
    private static final int FRAME = 512;

    /** The most that one character takes: a control character, as its number. */
    private static final int HEAVIEST = 6;

    private Weight() {}

    static int of(ExecSpec exec) {
        return FRAME + of(exec.arguments()) + of(exec.env()) + of(exec.user()) + of(exec.workingDir());
    }

    static int of(NetworkWish wish) {
        return FRAME
                + of(wish.aliases())
                + of(wish.links())
                + of(List.copyOf(wish.options().keySet()))
                + of(List.copyOf(wish.options().values()));
    }

    /** A bound that is quicker found. */
    static int atMost(ExecSpec exec) {
        int characters = exec.user().length() + exec.workingDir().length();
        for (List<String> texts : List.of(exec.arguments(), exec.env())) {
            for (String text : texts) {
                characters += text.length() + 1;
            }
        }
        return FRAME + HEAVIEST * characters;
    }

    private static int of(List<String> texts) {
        return texts.stream().mapToInt(Weight::of).sum();
    }

    private static int of(String text) {
        int bytes = 3;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            bytes += c < ' ' ? HEAVIEST : c == '"' || c == '\\' ? 2 : c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
        }
        return bytes;
    }
}
