package dev.wharf.testkit.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Knows what a loss of power may leave of a directory. Only what was forced is sure: of every page written since, the disk
 * may hold the old content or the new; of every name made, changed or taken away since its directory was forced, likewise;
 * and of a file's length. Nothing is assumed of the order in which these reach the disk. Stores through mappings are seen
 * because whole files are compared, not calls.
 */
final class Volatile<D> {
    private static final int PAGE = 4096;
    private static final byte[] EMPTY = new byte[0];

    private final Path root;
    private final D disk;
    /** Which file each name stands for now; numbers, because inodes are used again. */
    private final Map<Path, Integer> names = new HashMap<>();

    private final Map<Path, Integer> durableNames = new HashMap<>();
    private final Map<Integer, byte[]> durable = new HashMap<>();
    /** What files held when they lost their last name, which may come back if the loss was not made durable. */
    private final Map<Integer, byte[]> nameless = new HashMap<>();

    private int files;
    private long callsLeft = Long.MAX_VALUE;

    /** The power is gone; nothing that the journal does from here on reaches the disk. */
    static final class PowerCut extends Error {
        private static final long serialVersionUID = 1L;

        PowerCut() {
            super("power cut", null, false, false);
        }
    }

    /** Takes what is in {@code root} as durable. */
    Volatile(Path root, Class<D> type, D real) throws IOException {
        this.root = root;
        for (Path file : filesNow()) {
            int number = number(file);
            durableNames.put(file, number);
            durable.put(number, Files.readAllBytes(file));
        }
        this.disk = Intercepted.by(this::on, type, real);
    }

    D disk() {
        return disk;
    }

    /** Lets {@code calls} more file calls happen, and cuts the power before the next. */
    void cutAfter(long calls) {
        callsLeft = calls;
    }

    private Object on(Intercepted.Call call) throws Throwable {
        if (callsLeft-- <= 0) {
            throw new PowerCut();
        }
        return switch (call.name()) {
            case "rename" -> rename(call);
            case "delete" -> delete(call);
            case "force" -> {
                Object answer = call.proceed();
                Path file = call.file().orElseThrow();
                durable.put(number(file), Files.readAllBytes(file));
                yield answer;
            }
            case "forceDirectory" -> {
                Object answer = call.proceed();
                forceNames(call.file().orElseThrow());
                yield answer;
            }
            case "write" -> {
                Object answer = call.proceed();
                call.file().ifPresent(this::number);
                yield answer;
            }
            default -> call.proceed();
        };
    }

    private int number(Path file) {
        return names.computeIfAbsent(file, path -> files++);
    }

    private Object rename(Intercepted.Call call) throws Throwable {
        Path from = (Path) call.arguments()[0];
        Path to = (Path) call.arguments()[1];
        loseName(to);
        Object answer = call.proceed();
        names.put(to, number(from));
        names.remove(from);
        return answer;
    }

    private Object delete(Intercepted.Call call) throws Throwable {
        loseName(call.file().orElseThrow());
        return call.proceed();
    }

    private void loseName(Path file) throws IOException {
        Integer number = names.remove(file);
        if (number != null && Files.exists(file)) {
            nameless.put(number, Files.readAllBytes(file));
        }
    }

    private void forceNames(Path directory) throws IOException {
        Set<Path> now = new HashSet<>();
        for (Path file : filesNow()) {
            if (directory.equals(file.getParent())) {
                durableNames.put(file, number(file));
                now.add(file);
            }
        }
        durableNames.keySet().removeIf(file -> directory.equals(file.getParent()) && !now.contains(file));
    }

    private Set<Path> filesNow() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return new HashSet<>(all.filter(Files::isRegularFile).toList());
        }
    }

    /** Writes one of the many states that a loss of power now could leave to {@code target}. */
    void crashTo(Path target, Random chance) throws IOException {
        Set<Path> now = filesNow();
        now.forEach(this::number);
        Set<Path> all = new HashSet<>(now);
        all.addAll(durableNames.keySet());
        // Sorted, so that a seed always makes the same image.
        for (Path file : all.stream().sorted().toList()) {
            Optional<Integer> newer = now.contains(file) ? Optional.of(number(file)) : Optional.empty();
            Optional<Integer> older = Optional.ofNullable(durableNames.get(file));
            Optional<Integer> kept = newer.equals(older) || chance.nextBoolean() ? newer : older;
            if (kept.isPresent()) {
                Path copy = target.resolve(root.relativize(file).toString());
                Files.createDirectories(copy.getParent());
                writePages(copy, content(kept.get(), file, newer), durable.getOrDefault(kept.get(), EMPTY), chance);
            }
        }
        try (Stream<Path> directories = Files.walk(root)) {
            for (Path directory : directories.filter(Files::isDirectory).toList()) {
                Files.createDirectories(
                        target.resolve(root.relativize(directory).toString()));
            }
        }
    }

    private byte[] content(int number, Path file, Optional<Integer> nowThere) throws IOException {
        if (nowThere.equals(Optional.of(number))) {
            return Files.readAllBytes(file);
        }
        byte[] last = nameless.get(number);
        if (last != null) {
            return last;
        }
        for (Map.Entry<Path, Integer> name : names.entrySet()) {
            if (name.getValue() == number) {
                return Files.readAllBytes(name.getKey());
            }
        }
        throw new NoSuchFileException(file.toString(), null, "the harness lost track of it");
    }

    private static void writePages(Path copy, byte[] now, byte[] sure, Random chance) throws IOException {
        int size = now.length == sure.length || chance.nextBoolean() ? now.length : sure.length;
        // Half of all crashes find the disk in the middle of writing back, half before or after nearly all of it.
        int bias = switch (chance.nextInt(4)) {
            case 0 -> 5;
            case 1 -> 95;
            default -> 50;
        };
        try (FileChannel out = FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (size > 0) {
                out.write(ByteBuffer.wrap(new byte[1]), size - 1L);
            }
            for (int at = 0; at < size; at += PAGE) {
                int length = Math.min(PAGE, size - at);
                byte[] newer = page(now, at, length);
                byte[] older = page(sure, at, length);
                byte[] kept = Arrays.equals(newer, older) || chance.nextInt(100) < bias ? newer : older;
                if (!isZero(kept)) {
                    out.write(ByteBuffer.wrap(kept), at);
                }
            }
        }
    }

    private static byte[] page(byte[] content, int at, int length) {
        byte[] page = new byte[length];
        if (at < content.length) {
            System.arraycopy(content, at, page, 0, Math.min(length, content.length - at));
        }
        return page;
    }

    private static boolean isZero(byte[] bytes) {
        for (byte one : bytes) {
            if (one != 0) {
                return false;
            }
        }
        return true;
    }
}
