package dev.wharf.housekeeping;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Jobs;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.journal.EventJournal.Actor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.quartz.SchedulerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has the jobs run when it is time for them, follows their settings as they change, and lets others have them run now. */
@Component(service = Jobs.class, immediate = true, configurationPid = "dev.wharf.housekeeping")
@Designate(ocd = HousekeepingSettings.class)
public final class HousekeepingComponent implements Jobs {
    private static final Logger log = LoggerFactory.getLogger(HousekeepingComponent.class);
    private static final String DRY_RUN = "dry-run";
    private static final Duration AFTER_START = Duration.ofSeconds(1);

    private final List<Chore> chores;
    private final Runs runs;
    private volatile Optional<Schedule> schedule = Optional.empty();
    private boolean closed;
    private volatile Settings settings = Settings.USUAL;

    @Activate
    public HousekeepingComponent(@Reference Agent agent, BundleContext context, Map<String, Object> configuration) {
        this(agent, dataRoot(context), configuration);
    }

    HousekeepingComponent(Agent agent, Path dataRoot, Map<String, Object> configuration) {
        chores = List.of(
                new GcChore(dataRoot),
                new JournalChore(dataRoot),
                new LogsChore(),
                new ScrubChore(),
                new SurveyChore(),
                new UndeleteChore(dataRoot));
        runs = new Runs(agent);
        change(configuration);
        Thread starter = new Thread(this::start, "wharf-housekeeping-start");
        starter.setDaemon(true);
        starter.start();
    }

    /** Quartz takes its time to load, and nobody waits for it: by then whoever waited for this start has been answered. */
    private void start() {
        try {
            Thread.sleep(AFTER_START.toMillis());
            runs.closeOpenOnes();
            synchronized (this) {
                if (!closed) {
                    schedule = Optional.of(new Schedule(this::due));
                    schedule();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (SchedulerException | RuntimeException | LinkageError e) {
            log.error("no job runs by itself until the agent is started again", e);
        }
    }

    private static Path dataRoot(BundleContext context) {
        String root = context.getProperty("wharf.data.root");
        return Path.of(root == null ? "/var/lib/wharf" : root);
    }

    /** Takes changed settings. One that is wrong leaves what was so before, and the log says why. */
    @Modified
    public synchronized void change(Map<String, Object> configuration) {
        Settings before = settings;
        Settings now = Settings.of(configuration, before);
        settings = now;
        now.refused().values().stream()
                .filter(why -> !before.refused().containsValue(why))
                .forEach(why -> log.warn("setting refused file=dev.wharf.housekeeping.cfg setting={}", why));
        schedule();
    }

    private void schedule() {
        schedule.ifPresent(s -> chores.forEach(chore -> {
            try {
                s.set(chore.name(), settings.of(chore.name()).text("schedule"));
            } catch (SchedulerException e) {
                log.error("job cannot be scheduled job={}", chore.name(), e);
            }
        }));
    }

    private void due(String job) {
        try {
            runs.begin(chore(job), settings.of(job), false, new Actor(Actor.Kind.WHARF, "job " + job, Map.of()));
        } catch (RefusedException e) {
            log.warn("job does not begin job={} reason={}", job, e.getMessage());
        } catch (RuntimeException e) {
            log.error("job does not begin job={}", job, e);
        }
    }

    private Chore chore(String name) throws RefusedException {
        return chores.stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new RefusedException(new Refusal(
                        Refusal.Kind.MISSING,
                        "there is no job " + name + "; there are "
                                + String.join(
                                        ", ", chores.stream().map(Chore::name).toList()))));
    }

    @Override
    public List<Standing> all() {
        Settings now = settings;
        return chores.stream()
                .map(c -> new Standing(
                        c.name(),
                        c.what(),
                        now.of(c.name()).text("schedule"),
                        now.troubleOf(c.name()),
                        schedule.flatMap(s -> s.next(c.name()))))
                .toList();
    }

    @Override
    public String run(String job, Map<String, String> options, Actor by) throws RefusedException {
        Chore chore = chore(job);
        Map<String, String> own = new HashMap<>(options);
        String dry = own.getOrDefault(DRY_RUN, "false");
        own.remove(DRY_RUN);
        try {
            return runs.begin(chore, settings.of(job).with(own), dry.equals("true"), by);
        } catch (IllegalArgumentException e) {
            throw new RefusedException(new Refusal(Refusal.Kind.INVALID, String.valueOf(e.getMessage())));
        }
    }

    @Override
    public Optional<Report> report(String run) {
        return runs.report(run);
    }

    @Deactivate
    void close() {
        synchronized (this) {
            closed = true;
            schedule.ifPresent(s -> {
                try {
                    s.close();
                } catch (SchedulerException e) {
                    log.warn("schedule left something behind reason={}", e.toString());
                }
            });
        }
        runs.close();
    }
}
