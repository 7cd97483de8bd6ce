package dev.wharf.linux.process;

import dev.wharf.linux.libc.LibC;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives back to the kernel what this process holds and does not use: the part of the heap that a start or a burst needed, memory
 * that was freed and lies in malloc's arenas, more than ten megabytes after either (malloc_trim(3)), and pages of its own files
 * that were mapped and are in the page cache all the same (madvise(2), MADV_DONTNEED). What is used after all is mapped again
 * without a read.
 */
public final class SpareMemory {
    private static final Logger LOG = LoggerFactory.getLogger(SpareMemory.class);
    private static final Path SMAPS = Path.of("/proc/self/smaps");
    private static final Path STATM = Path.of("/proc/self/statm");
    private static final int MADV_DONTNEED = 4;

    /** Smaller files are not worth a call. */
    private static final long LEAST_KILOBYTES = 1024;

    /** Some of what was given back is mapped again at once by whatever runs next, up to half of this. */
    private static final long WORTH_PAGES = 16 * 1024 / 4;

    private final LibC c;
    /** Resident pages after the last time, 0 before the first. */
    private volatile long rest;

    public SpareMemory(LibC libc) {
        c = libc;
    }

    /** A part of the address space. */
    record Range(long start, long length) {}

    /** Whether the process has become so much larger since the last time that it is worth the pause. */
    public boolean isWorth() {
        return residentPages() - rest >= WORTH_PAGES;
    }

    /** Takes some tens of milliseconds. */
    public void giveBack() {
        renewHeap();
        c.malloc_trim(0);
        try {
            for (Range range : unmodified(Files.readAllLines(SMAPS, StandardCharsets.ISO_8859_1))) {
                c.madvise(range.start(), range.length(), MADV_DONTNEED);
            }
        } catch (IOException e) {
            LOG.debug("mapped files stay mapped reason={}", e.toString());
        }
        rest = residentPages();
    }

    /** The second field of proc_pid_statm(5), in pages; 0 where it cannot be read. */
    private static long residentPages() {
        try {
            return Long.parseLong(Files.readString(STATM).split(" ", 3)[1]);
        } catch (IOException e) {
            LOG.debug("the size of this process is not known reason={}", e.toString());
            return 0;
        }
    }

    /**
     * The heap shrinks to what is used, which gives its pages back, and grows again by pages that nobody has touched: whoever
     * grows it later, in the midst of work, collects all of it each time. Both flags may be changed while the JVM runs
     * (HotSpotDiagnosticMXBean), the least never above the most.
     */
    private static void renewHeap() {
        try {
            String least = flag("MinHeapFreeRatio");
            String most = flag("MaxHeapFreeRatio");
            set("MinHeapFreeRatio", "10");
            set("MaxHeapFreeRatio", "20");
            System.gc();
            set("MaxHeapFreeRatio", most);
            set("MinHeapFreeRatio", least);
            System.gc();
        } catch (JMException | RuntimeException e) {
            LOG.debug("the heap keeps its spare part reason={}", e.toString());
        }
    }

    private static String flag(String name) throws JMException {
        CompositeData option = (CompositeData) invoke("getVMOption", name);
        return (String) option.get("value");
    }

    private static void set(String flag, String value) throws JMException {
        invoke("setVMOption", flag, value);
    }

    private static Object invoke(String operation, String... arguments) throws JMException {
        String[] types = new String[arguments.length];
        Arrays.fill(types, String.class.getName());
        return ManagementFactory.getPlatformMBeanServer()
                .invoke(new ObjectName("com.sun.management:type=HotSpotDiagnostic"), operation, arguments, types);
    }

    /**
     * The mappings of files that cannot be written to and have not been, so that every page of them is in its file.
     *
     * @param smaps proc_pid_smaps(5): a mapping's line begins with its range in hexadecimal digits, and lines with its sizes
     *     follow
     */
    static List<Range> unmodified(List<String> smaps) {
        List<Range> found = new ArrayList<>();
        String head = "";
        long resident = 0;
        for (String line : smaps) {
            if (line.startsWith("Rss:")) {
                resident = kilobytes(line);
            } else if (line.startsWith("Anonymous:")) {
                // Pages that were written to before the mapping was protected are no longer those of the file.
                if (kilobytes(line) == 0 && resident >= LEAST_KILOBYTES && isReadOnlyFile(head)) {
                    found.add(range(head));
                }
            } else if (Character.digit(line.charAt(0), 16) >= 0 && line.indexOf('-') > 0) {
                head = line;
            }
        }
        return found;
    }

    private static boolean isReadOnlyFile(String head) {
        String[] fields = head.split(" +", 6);
        return fields.length == 6 && fields[5].startsWith("/") && fields[1].matches("r-[x-]p");
    }

    private static Range range(String head) {
        int dash = head.indexOf('-');
        long start = Long.parseUnsignedLong(head.substring(0, dash), 16);
        long end = Long.parseUnsignedLong(head.substring(dash + 1, head.indexOf(' ')), 16);
        return new Range(start, end - start);
    }

    private static long kilobytes(String line) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
}
