package dev.wharf.systemd;

import dev.wharf.spi.kernel.Datagrams;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service manager that started this process, as its environment names it.
 *
 * @param watchdog after how long without a sign of life it ends the process, where it does
 */
record Supervisor(String address, Optional<Duration> watchdog, Datagrams datagrams) {
    private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);

    /** Empty where nobody supervises. */
    static Optional<Supervisor> of(Map<String, String> environment, long pid, Datagrams datagrams) {
        String address = environment.getOrDefault("NOTIFY_SOCKET", "");
        return address.isEmpty()
                ? Optional.empty()
                : Optional.of(new Supervisor(address, watchdog(environment, pid), datagrams));
    }

    /** The variables may have come down from a parent whom they were meant for. */
    private static Optional<Duration> watchdog(Map<String, String> environment, long pid) {
        String micros = environment.getOrDefault("WATCHDOG_USEC", "");
        String whom = environment.getOrDefault("WATCHDOG_PID", "");
        if (!micros.matches("[0-9]{1,18}") || !(whom.isEmpty() || whom.equals(Long.toString(pid)))) {
            return Optional.empty();
        }
        Duration patience = Duration.ofNanos(Math.multiplyExact(Long.parseLong(micros), 1000));
        return patience.isZero() ? Optional.empty() : Optional.of(patience);
    }

    void ready(String status) {
        tell("READY=1\n" + status(status));
    }

    void alive(String status) {
        tell("WATCHDOG=1\n" + status(status));
    }

    void say(String status) {
        tell(status(status));
    }

    void reloading() {
        tell("RELOADING=1\nMONOTONIC_USEC=" + System.nanoTime() / 1000 + "\n" + status("reading settings"));
    }

    void stopping() {
        tell("STOPPING=1\n" + status("stopping; containers run on"));
    }

    private static String status(String text) {
        return "STATUS=" + text.replace('\n', ' ') + "\n";
    }

    private void tell(String message) {
        try {
            datagrams.send(address, message.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            LOG.warn("the service manager cannot be told address={} reason={}", address, e.getMessage());
        }
    }
}
