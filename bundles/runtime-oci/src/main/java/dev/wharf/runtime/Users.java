package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Finds out who a process runs as, from what an image's /etc/passwd and /etc/group say (passwd(5), group(5)). Both are
 * texts of strangers: a line that makes no sense is passed over.
 */
final class Users {
    /** The largest id that every tool inside an image can hold. */
    private static final long LARGEST = Integer.MAX_VALUE;

    private final List<Account> accounts;
    private final List<Group> groups;

    private record Account(String name, long uid, long gid, String home) {}

    private record Group(String name, long gid, List<String> members) {}

    /** Who a process runs as. {@code home} is its home directory, {@code /} where nobody says. */
    record Identity(long uid, long gid, List<Long> groups, String home) {
        Identity {
            groups = List.copyOf(groups);
        }
    }

    private Users(List<Account> accounts, List<Group> groups) {
        this.accounts = accounts;
        this.groups = groups;
    }

    /** The users and groups of these two files, either of which may be empty. */
    static Users of(String passwd, String group) {
        List<Account> accounts = new ArrayList<>();
        passwd.lines().forEach(line -> {
            String[] fields = line.split(":", -1);
            if (fields.length >= 6) {
                number(fields[2])
                        .ifPresent(uid -> number(fields[3])
                                .ifPresent(gid -> accounts.add(new Account(fields[0], uid, gid, fields[5]))));
            }
        });
        List<Group> groups = new ArrayList<>();
        group.lines().forEach(line -> {
            String[] fields = line.split(":", -1);
            if (fields.length >= 4) {
                number(fields[2])
                        .ifPresent(gid -> groups.add(new Group(fields[0], gid, List.of(fields[3].split(",")))));
            }
        });
        return new Users(accounts, groups);
    }

    /**
     * Resolves {@code name|uid[:group|gid]}; empty is root. Digits are a uid and never a name. With a group given, only that
     * one and {@code additional} count; without, all that name the user as a member as well.
     */
    Identity resolve(String user, List<String> additional) throws DriverException {
        int colon = user.indexOf(':');
        String who = colon < 0 ? user : user.substring(0, colon);
        Optional<String> wantedGroup =
                colon < 0 || colon == user.length() - 1 ? Optional.empty() : Optional.of(user.substring(colon + 1));

        Optional<Long> number = who.isEmpty() ? Optional.of(0L) : digits(who);
        Predicate<Account> match = number.<Predicate<Account>>map(uid -> account -> account.uid() == uid)
                .orElse(account -> account.name().equals(who));
        Optional<Account> account = accounts.stream().filter(match).findFirst();
        if (account.isEmpty() && number.isEmpty()) {
            throw failure(Kind.INVALID, "unable to find user " + who + ": no matching entries in passwd file");
        }
        long uid = number.or(() -> account.map(Account::uid)).orElseThrow();
        long gid = wantedGroup.isPresent()
                ? gid(wantedGroup.get())
                : account.map(Account::gid).orElse(0L);

        Set<Long> more = new LinkedHashSet<>();
        if (wantedGroup.isEmpty() && account.isPresent()) {
            String name = account.get().name();
            groups.stream().filter(group -> group.members().contains(name)).forEach(group -> more.add(group.gid()));
        }
        for (String group : additional) {
            more.add(gid(group));
        }
        String home =
                account.map(Account::home).filter(path -> path.startsWith("/")).orElse("/");
        return new Identity(inRange(uid), inRange(gid), List.copyOf(more), home);
    }

    private long gid(String group) throws DriverException {
        Optional<Long> number = digits(group);
        if (number.isPresent()) {
            return number.get();
        }
        return groups.stream()
                .filter(candidate -> candidate.name().equals(group))
                .map(Group::gid)
                .findFirst()
                .orElseThrow(() ->
                        failure(Kind.INVALID, "unable to find group " + group + ": no matching entries in group file"));
    }

    /** The number that a text of digits stands for, which has a sign at the most; empty for any other text. */
    private static Optional<Long> digits(String text) throws DriverException {
        if (!text.matches("[+-]?[0-9]+")) {
            return Optional.empty();
        }
        return Optional.of(number(text).orElseThrow(Users::outOfRange));
    }

    private static long inRange(long id) throws DriverException {
        if (id < 0 || id > LARGEST) {
            throw outOfRange();
        }
        return id;
    }

    private static DriverException outOfRange() {
        return failure(Kind.INVALID, "uids and gids must be in range 0-" + LARGEST);
    }

    private static Optional<Long> number(String text) {
        try {
            long value = Long.parseLong(text);
            return value < 0 || value > LARGEST ? Optional.empty() : Optional.of(value);
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
