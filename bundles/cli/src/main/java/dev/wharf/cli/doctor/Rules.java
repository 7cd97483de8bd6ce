package dev.wharf.cli.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules of nf_tables, as {@code nft list ruleset} prints them. */
final class Rules {
    private static final Pattern TABLE = Pattern.compile("table (\\S+ \\S+) \\{");
    private static final Pattern CHAIN = Pattern.compile("\\s+chain (\\S+) \\{");
    private static final Pattern DROPS = Pattern.compile("\\s+type filter hook forward .*policy drop;.*");

    private Rules() {}

    /** Chains that drop what is forwarded where no rule of theirs says otherwise: a packet must please every chain. */
    static List<String> droppingForwards(String ruleset) {
        List<String> found = new ArrayList<>();
        String table = "";
        String chain = "";
        for (String line : ruleset.lines().toList()) {
            Matcher inTable = TABLE.matcher(line);
            Matcher inChain = CHAIN.matcher(line);
            if (inTable.matches()) {
                table = inTable.group(1);
            } else if (inChain.matches()) {
                chain = inChain.group(1);
            } else if (DROPS.matcher(line).matches()) {
                found.add("chain " + chain + " of table " + table);
            }
        }
        return found;
    }
}
