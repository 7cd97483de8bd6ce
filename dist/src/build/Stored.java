import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Enumeration;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Writes the jars below a folder anew with their entries stored, not deflated: every start reads some thousand classes out of
 * them, one by one, and inflating these takes a tenth of it. Those with more than a megabyte of native libraries stay as they
 * are, for they would grow most and have least to gain. What else an entry says, its time and its place in the jar, stays.
 */
public final class Stored {
    private static final int LARGE = 1 << 20;

    private Stored() {}

    public static void main(String[] folders) throws IOException {
        for (String folder : folders) {
            List<Path> jars;
            try (Stream<Path> files = Files.walk(Path.of(folder))) {
                jars = files.filter(file -> file.toString().endsWith(".jar")).toList();
            }
            for (Path jar : jars) {
                store(jar);
            }
        }
    }

    private static void store(Path jar) throws IOException {
        Path stored = jar.resolveSibling(jar.getFileName() + ".stored");
        try (ZipFile from = new ZipFile(jar.toFile())) {
            long natives = from.stream()
                    .filter(entry -> entry.getName().endsWith(".so"))
                    .mapToLong(ZipEntry::getSize)
                    .sum();
            if (natives > LARGE) {
                return;
            }
            try (OutputStream file = Files.newOutputStream(stored);
                    ZipOutputStream to = new ZipOutputStream(file)) {
                to.setMethod(ZipOutputStream.STORED);
                Enumeration<? extends ZipEntry> entries = from.entries();
                while (entries.hasMoreElements()) {
                    copy(from, entries.nextElement(), to);
                }
            }
        }
        Files.setLastModifiedTime(stored, Files.getLastModifiedTime(jar));
        Files.move(stored, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void copy(ZipFile from, ZipEntry entry, ZipOutputStream to) throws IOException {
        byte[] bytes = from.getInputStream(entry).readAllBytes();
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry stored = new ZipEntry(entry.getName());
        stored.setTimeLocal(entry.getTimeLocal());
        stored.setSize(bytes.length);
        stored.setCrc(crc.getValue());
        to.putNextEntry(stored);
        to.write(bytes);
        to.closeEntry();
    }
}
