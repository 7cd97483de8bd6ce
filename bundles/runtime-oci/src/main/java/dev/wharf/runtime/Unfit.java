package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.spi.kernel.FileCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Looks why a process cannot be run in a container's files. The runtime says so itself, but into the terminal where the process
 * has one, and nobody reads that yet.
 */
final class Unfit {
    private static final Set<PosixFilePermission> EXECUTE = EnumSet.of(
            PosixFilePermission.OWNER_EXECUTE, PosixFilePermission.GROUP_EXECUTE, PosixFilePermission.OTHERS_EXECUTE);

    private final FileCalls files;
    private final Path root;

    Unfit(FileCalls files, Path root) {
        this.files = files;
        this.root = root;
    }

    /** What is wrong with the directory or the program of a process, in runc's words; empty where neither is to blame. */
    Optional<String> why(JsonNode process) {
        String directory = process.path("cwd").asText("/");
        Optional<Path> cwd = found(directory);
        if (cwd.isEmpty() || !Files.isDirectory(cwd.get())) {
            return Optional.of(
                    Words.missingDirectory(directory, cwd.isEmpty() ? "no such file or directory" : "not a directory"));
        }
        String program = process.path("args").path(0).asText();
        if (program.indexOf('/') >= 0) {
            Optional<Path> there = found(Path.of(directory).resolve(program).toString());
            if (there.isEmpty()) {
                return Optional.of(Words.missingProgram(program));
            }
            return isProgram(there.get()) ? Optional.empty() : Optional.of(Words.forbiddenProgram(program));
        }
        for (String place : path(process).split(":")) {
            if (found(place + "/" + program).filter(Unfit::isProgram).isPresent()) {
                return Optional.empty();
            }
        }
        return Optional.of(Words.missingProgram(program));
    }

    private static String path(JsonNode process) {
        String path = "";
        for (JsonNode variable : process.path("env")) {
            if (variable.asText().startsWith("PATH=")) {
                path = variable.asText().substring("PATH=".length());
            }
        }
        return path;
    }

    private Optional<Path> found(String inside) {
        try {
            return Optional.of(files.resolveInRoot(root, inside)).filter(Files::exists);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static boolean isProgram(Path file) {
        try {
            return Files.isRegularFile(file) && !Collections.disjoint(Files.getPosixFilePermissions(file), EXECUTE);
        } catch (IOException e) {
            return false;
        }
    }
}
