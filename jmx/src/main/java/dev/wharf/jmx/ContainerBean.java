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
import dev.wharf.spi.runtime.Counters;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Reads one container from the host as it stands, and asks the agent for what somebody wants of it. */
final class ContainerBean implements ContainerMXBean {
    private final Agent agent;
    private final Orders orders;
    private final Container last;

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

    /** One of the kernel's counters; 0 while nothing runs. */
    private long counter(ToLongFunction<Counters> counter) {
        if (!now().isRunning()) {
            return 0;
        }
        try {
            return counter.applyAsLong(agent.streams().counters(id()));
        } catch (DriverException e) {
            // It has just ended, or its runtime is being replaced.
            return 0;
        }
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
        return counter(Counters::cpuTotalNanos);
    }

    @Override
    public long getCpuThrottledNanos() {
        return counter(Counters::throttledNanos);
    }

    @Override
    public long getMemoryUsageBytes() {
        return counter(Counters::memoryUsageBytes);
    }

    @Override
    public long getPids() {
        return counter(Counters::pids);
    }

    @Override
    public long getBlockReadBytes() {
        return counter(Counters::blockReadBytes);
    }

    @Override
    public long getBlockWrittenBytes() {
        return counter(Counters::blockWrittenBytes);
    }

    @Override
    public long getNetworkReceivedBytes() {
        return counter(Counters::rxBytes);
    }

    @Override
    public long getNetworkSentBytes() {
        return counter(Counters::txBytes);
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
    public long kill(@Nullable String signal) {
        if (signal == null || signal.isBlank()) {
            throw new IllegalArgumentException("a signal has to be named, such as SIGTERM");
        }
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
