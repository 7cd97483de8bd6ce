package dev.wharf.core.loop;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.spi.runtime.OciRuntime;
import java.util.List;

/** What a runtime tells of processes that ended, as facts about what is known to run. */
final class Exits implements OciRuntime.ExitListener {
    private final Sequencer sequencer;
    private final Questions questions;

    Exits(Sequencer sequencer, Questions questions) {
        this.sequencer = sequencer;
        this.questions = questions;
    }

    @Override
    public void exited(ContainerId container, InitProcess process, Exit exit) {
        sequencer.observe(
                List.of(container),
                (host, now) -> host.container(container)
                        .filter(Container::isRunning)
                        .filter(c -> c.process()
                                .last()
                                .map(p -> Survey.isSame(p.init(), process))
                                .orElse(false))
                        .map(c -> List.<Event>of(new ContainerEvent.Exited(container, exit)))
                        .orElse(List.of()));
        // Told of after the exit, so that what ran inside is not taken for an answer.
        questions.over(container);
    }

    @Override
    public void execExited(ContainerId container, ExecId exec, int code) {
        if (questions.ended(exec, code)) {
            return;
        }
        sequencer.observe(
                List.of(container),
                (host, now) -> host.container(container)
                        .map(c -> c.execs().get(exec))
                        .filter(Container.Exec::isRunning)
                        .map(e -> List.<Event>of(new ContainerEvent.ExecExited(container, exec, code)))
                        .orElse(List.of()));
    }

    @Override
    public void outOfMemory(ContainerId container) {
        sequencer.observe(
                List.of(container),
                (host, now) -> host.container(container)
                        .map(c -> List.<Event>of(new ContainerEvent.OutOfMemory(container)))
                        .orElse(List.of()));
    }
}
