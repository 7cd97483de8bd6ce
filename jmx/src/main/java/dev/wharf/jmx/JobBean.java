package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Jobs;
import dev.wharf.core.agent.Jobs.Standing;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.state.Job;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Reads one job as it stands. */
final class JobBean implements JobMXBean {
    private final Agent agent;
    private final Jobs jobs;
    private final Glance<Standing> all;
    private final Standing last;

    JobBean(Agent agent, Jobs jobs, Glance<Standing> all, Standing last) {
        this.agent = agent;
        this.jobs = jobs;
        this.all = all;
        this.last = last;
    }

    private Standing standing() {
        return all.now().stream()
                .filter(s -> s.name().equals(last.name()))
                .findFirst()
                .orElse(last);
    }

    private Job job() {
        return Optional.ofNullable(agent.host().jobs().get(last.name())).orElseGet(() -> Job.named(last.name()));
    }

    private String ofLast(Function<Job.Run, String> what) {
        return job().last().map(what).orElse("");
    }

    @Override
    public String getName() {
        return last.name();
    }

    @Override
    public String getWhat() {
        return last.what();
    }

    @Override
    public String getSchedule() {
        return standing().schedule();
    }

    @Override
    public String getTrouble() {
        return standing().trouble();
    }

    @Override
    public String getNextRunAt() {
        return standing().next().map(Object::toString).orElse("");
    }

    @Override
    public String getRunningSince() {
        return job().begun().map(b -> b.at().toString()).orElse("");
    }

    @Override
    public String getLastRunAt() {
        return ofLast(run -> run.at().toString());
    }

    @Override
    public long getLastMillis() {
        return job().last().map(run -> run.took().toMillis()).orElse(0L);
    }

    @Override
    public String getLastResult() {
        return ofLast(run -> run.result().name().toLowerCase(Locale.ROOT));
    }

    @Override
    public String getLastSummary() {
        return ofLast(Job.Run::summary);
    }

    @Override
    public int getRuns() {
        return job().runs();
    }

    @Override
    public int getFailures() {
        return job().failures();
    }

    @Override
    public long getFreedBytes() {
        return job().freedBytes();
    }

    @Override
    public String run() {
        return begin(Map.of());
    }

    @Override
    public String dryRun() {
        return begin(Map.of("dry-run", "true"));
    }

    private String begin(Map<String, String> options) {
        try {
            return jobs.run(last.name(), options, Orders.actor());
        } catch (RefusedException e) {
            throw new IllegalStateException(e.getMessage());
        }
    }
}
