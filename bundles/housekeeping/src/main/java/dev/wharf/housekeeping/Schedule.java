package dev.wharf.housekeeping;

import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.DirectSchedulerFactory;
import org.quartz.simpl.RAMJobStore;
import org.quartz.simpl.SimpleThreadPool;

/**
 * Says when it is time for a job, by Quartz. All is in memory: the settings are where schedules live, and a time that passed while
 * no agent ran is let pass.
 */
final class Schedule implements AutoCloseable {
    private static final String NAME = "wharf-schedule";

    private final Scheduler scheduler;
    private final Map<String, String> set = new HashMap<>();

    /** @param due told of each job whose time has come; must return soon */
    Schedule(Consumer<String> due) throws SchedulerException {
        // One thread looks at the clock and one tells of what is due; the work is done elsewhere.
        String name = NAME + "-" + Integer.toHexString(System.identityHashCode(this));
        SimpleThreadPool threads = new SimpleThreadPool(1, Thread.NORM_PRIORITY);
        threads.setThreadNamePrefix(name + "-due");
        threads.setMakeThreadsDaemons(true);
        threads.setThreadsInheritContextClassLoaderOfInitializingThread(false);
        DirectSchedulerFactory factory = DirectSchedulerFactory.getInstance();
        factory.createScheduler(name, name, threads, new RAMJobStore());
        scheduler = factory.getScheduler(name);
        // Jobs are ours and made here: no name of a class is ever looked up.
        scheduler.setJobFactory((bundle, s) -> new Due(due));
        scheduler.start();
    }

    /** The only job Quartz knows; which of ours it is stands in its key. */
    private record Due(Consumer<String> due) implements Job {
        @Override
        public void execute(JobExecutionContext context) {
            due.accept(context.getJobDetail().getKey().getName());
        }
    }

    /** From now on a job is due by this cron expression; with an empty one never. */
    synchronized void set(String job, String cron) throws SchedulerException {
        if (cron.equals(set.get(job))) {
            return;
        }
        TriggerKey key = TriggerKey.triggerKey(job);
        scheduler.unscheduleJob(key);
        if (!cron.isEmpty()) {
            JobDetail detail = JobBuilder.newJob(Due.class).withIdentity(job).build();
            Trigger trigger = TriggerBuilder.newTrigger()
                    .withIdentity(key)
                    .withSchedule(CronScheduleBuilder.cronSchedule(cron).withMisfireHandlingInstructionDoNothing())
                    .build();
            scheduler.scheduleJob(detail, trigger);
        }
        set.put(job, cron);
    }

    /** When a job is due next. */
    synchronized Optional<Instant> next(String job) {
        try {
            return Optional.ofNullable(scheduler.getTrigger(TriggerKey.triggerKey(job)))
                    .map(Trigger::getNextFireTime)
                    .map(Date::toInstant);
        } catch (SchedulerException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() throws SchedulerException {
        scheduler.shutdown(false);
    }
}
