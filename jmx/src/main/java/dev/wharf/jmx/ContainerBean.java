package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.state.Container;
import dev.wharf.core.story.Standing;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Exit;
import dev.wharf.model.Signal;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.Measure;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.ToLongFunction;

/** Reads one container from the host as it stands, and asks the agent for what somebody wants of it. */
final class ContainerBean implements ContainerMXBean {
    /** A console reads every attribute one after the other, and one look at the kernel is enough for all of them. */
    private static final long FRESH_NANOS = Duration.ofMillis(500).toNanos();

    private final Agent agent;
    private final Orders orders;
    private final Container last;
    private Optional<Measure> measured = Optional.empty();
    private long measuredAt;

    /** @param last how it stood when the bean was made; told of as soon as the container has gone */
    ContainerBean(Agent agent, Orders orders, Container last) {
        this.agent = agent;
        this.orders = orders;
        this.last = last;
    }

    private ContainerId id() {
        return last.id();
    }

    private Container now() {
        return agent.host().container(id()).orElse(last);
    }

    /** The kernel's counters as of the last half second; none while nothing runs. */
    private synchronized Optional<Measure> measure() {
        if (!now().isRunning()) {
            return Optional.empty();
        }
        if (measured.isEmpty() || System.nanoTime() - measuredAt > FRESH_NANOS) {
            try {
                measured = Optional.of(agent.streams().measure(id()));
            } catch (DriverException e) {
                // It has just ended, or its runtime is being replaced.
                measured = Optional.empty();
            }
            measuredAt = System.nanoTime();
        }
        return measured;
    }

    private long counter(ToLongFunction<Measure> counter) {
        return measure().map(counter::applyAsLong).orElse(0L);
    }

    private static String text(Optional<Instant> instant) {
        return instant.map(Instant::toString).orElse("");
    }

    @Override
    public String getId() {
        return id().value();
    }

    @Override
    public String getName() {
        return now().name();
    }

    @Override
    public String getImage() {
        return now().spec().imageReference();
    }

    @Override
    public String getState() {
        return Standing.of(now()).word();
    }

    @Override
    public String getHealth() {
        return now().health().map(Container.Health::status).orElse("none");
    }

    @Override
    public String getCreatedAt() {
        return now().createdAt().toString();
    }

    @Override
    public String getStartedAt() {
        return text(now().startedAt());
    }

    @Override
    public String getLastExitAt() {
        return text(now().exit().map(Exit::at));
    }

    @Override
    public int getLastExitCode() {
        return now().exit().map(Exit::code).orElse(-1);
    }

    @Override
    public boolean isLastExitOutOfMemory() {
        return now().exit().map(Exit::outOfMemory).orElse(false);
    }

    @Override
    public int getRestarts() {
        return now().restarts();
    }

    @Override
    public int getPid() {
        Container now = now();
        return now.isRunning() ? now.process().last().map(p -> p.init().pid()).orElse(0) : 0;
    }

    @Override
    public long getMemoryLimitBytes() {
        return now().spec().resources().memoryBytes();
    }

    @Override
    public long getNanoCpusLimit() {
        return now().spec().resources().nanoCpus();
    }

    @Override
    public long getPidsLimit() {
        return now().spec().resources().pidsLimit();
    }

    @Override
    public long getCpuTotalNanos() {
        return counter(Measure::cpuTotalNanos);
    }

    @Override
    public long getCpuThrottledNanos() {
        return counter(Measure::throttledNanos);
    }

    @Override
    public long getMemoryUsageBytes() {
        return counter(Measure::memoryUsageBytes);
    }

    @Override
    public long getPids() {
        return counter(Measure::pids);
    }

    @Override
    public long getBlockReadBytes() {
        return counter(Measure::blockReadBytes);
    }

    @Override
    public long getBlockWrittenBytes() {
        return counter(Measure::blockWrittenBytes);
    }

    @Override
    public long getNetworkReceivedBytes() {
        return counter(Measure::rxBytes);
    }

    @Override
    public long getNetworkSentBytes() {
        return counter(Measure::txBytes);
    }

    @Override
    public long start() {
        return orders.give(new ContainerCommand.Start(id(), Entropy.fresh()));
    }

    @Override
    public long stop(int seconds) {
        return orders.give(new ContainerCommand.Stop(id(), Optional.empty(), grace(seconds)));
    }

    @Override
    public long restart(int seconds) {
        return orders.give(new ContainerCommand.Restart(id(), Optional.empty(), grace(seconds), Entropy.fresh()));
    }

    private static Optional<Duration> grace(int seconds) {
        return seconds < 0 ? Optional.empty() : Optional.of(Duration.ofSeconds(seconds));
    }

    @Override
    public long kill(String signal) {
        return orders.give(new ContainerCommand.Kill(id(), Signal.parse(signal)));
    }

    @Override
    public long pause() {
        return orders.give(new ContainerCommand.Pause(id()));
    }

    @Override
    public long unpause() {
        return orders.give(new ContainerCommand.Resume(id()));
    }
}
