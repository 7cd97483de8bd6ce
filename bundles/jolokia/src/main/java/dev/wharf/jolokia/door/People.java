package dev.wharf.jolokia.door;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Who may come in, and what they may do there. Of passwords only digests are kept. */
final class People {
    private final Map<String, byte[]> passwords = new HashMap<>();
    private final Set<String> operators;
    private final Set<String> certified;

    private People(Set<String> operators, Set<String> certified) {
        this.operators = operators;
        this.certified = certified;
    }

    /** @throws IllegalArgumentException if a file cannot be read or holds no password, or if nobody could ever come in */
    static People of(Function<String, String> said) {
        Set<Path> readers = files(said.apply("readers"));
        Set<Path> operators = files(said.apply("operators"));
        People people = new People(
                operators.stream().map(People::name).collect(Collectors.toSet()),
                words(said.apply("certified_operators")));
        readers.forEach(people::add);
        operators.forEach(people::add);
        if (people.passwords.isEmpty() && said.apply("authorities").isBlank()) {
            throw new IllegalArgumentException(
                    "nobody could come in: name files with passwords in readers or operators, or authorities of certificates");
        }
        return people;
    }

    static Set<String> words(String text) {
        return Arrays.stream(text.split(",", -1))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .collect(Collectors.toSet());
    }

    private static Set<Path> files(String text) {
        return words(text).stream().map(Path::of).collect(Collectors.toSet());
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    private void add(Path file) {
        try {
            String password = Files.readString(file).strip();
            if (password.isEmpty()) {
                throw new IllegalArgumentException(file + " holds no password");
            }
            passwords.put(name(file), digest(password));
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "the password of " + name(file) + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Whether this is the user's password; takes as long for a user that is not there. */
    boolean isPassword(String user, String password) {
        byte[] expected = Optional.ofNullable(passwords.get(user)).orElseGet(() -> digest("nobody"));
        return MessageDigest.isEqual(expected, digest(password)) && passwords.containsKey(user);
    }

    /** Whether whoever came in under this name may call operations. */
    boolean isOperator(String name, boolean byCertificate) {
        return (byCertificate ? certified : operators).contains(name);
    }

    private static byte[] digest(String password) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(password.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
