package dev.wharf.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ScheduleTest {
    @Test
    void jobsAreDueBySchedulesThatChangeWhileItRuns() throws Exception {
        LinkedBlockingQueue<String> due = new LinkedBlockingQueue<>();
        try (Schedule schedule = new Schedule(due::add)) {
            schedule.set("gc", "0 0 4 * * ?");
            schedule.set("scrub", "* * * * * ?");
            assertThat(schedule.next("gc").orElseThrow()).isAfter(Instant.now());
            assertThat(due.poll(5, TimeUnit.SECONDS)).isEqualTo("scrub");

            schedule.set("scrub", "");
            due.clear();
            assertThat(schedule.next("scrub")).isEmpty();
            assertThat(due.poll(1500, TimeUnit.MILLISECONDS)).isNull();

            schedule.set("gc", "* * * * * ?");
            assertThat(due.poll(5, TimeUnit.SECONDS)).isEqualTo("gc");
        }
    }

    @Test
    void itsThreadsAreFewAndNamedAndGoWithIt() throws Exception {
        awaitNone();
        try (Schedule schedule = new Schedule(job -> {})) {
            schedule.set("gc", "0 0 4 * * ?");
            assertThat(threads()).hasSize(2);
        }
        awaitNone();
        assertThat(threads()).isEmpty();
    }

    private static void awaitNone() throws InterruptedException {
        for (int i = 0; i < 600 && !threads().isEmpty(); i++) {
            Thread.sleep(50);
        }
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("wharf-schedule"))
                .toList();
    }
}
