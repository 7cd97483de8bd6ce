package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.Given;
import dev.wharf.core.plan.Drivers.Answer;
import dev.wharf.core.plan.Gate;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.runtime.OciRuntime;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class QuestionsTest {
    private static final ExecId EXEC = new ExecId("e".repeat(64));
    private static final ExecSpec WELL =
            new ExecSpec(List.of("well"), List.of(), "", "/", false, false, false, true, true, "");

    private final Questions questions = new Questions();
    private final List<ExecId> killed = new ArrayList<>();

    /** What happens when the command is run. */
    private interface Run {
        void now() throws DriverException;
    }

    private Gate<OciRuntime> runtime(Run run) {
        OciRuntime.Executing executing = new OciRuntime.Executing() {
            @Override
            public int exec(ContainerId container, ExecId exec, ExecSpec spec) throws DriverException {
                run.now();
                return 1;
            }

            @Override
            public void kill(ContainerId container, ExecId exec) {
                killed.add(exec);
            }
        };
        OciRuntime driver = (OciRuntime) Proxy.newProxyInstance(
                OciRuntime.class.getClassLoader(),
                new Class<?>[] {OciRuntime.class},
                (proxy, method, arguments) -> arguments != null && arguments[0] == OciRuntime.Executing.class
                        ? Optional.of(executing)
                        : Optional.empty());
        return new Gate<>() {
            @Override
            public <R> R use(DriverName name, Use<OciRuntime, R> use) throws DriverException {
                return use.with(driver);
            }
        };
    }

    private Answer ask(Run run, Duration patience) throws DriverException {
        return questions.ask(runtime(run), Given.WEB, Given.RUNTIME, EXEC, WELL, patience);
    }

    @Test
    void theAnswerIsTheCodeItEndsWith() throws DriverException {
        assertThat(ask(() -> questions.ended(EXEC, 3), Duration.ofSeconds(10)).code())
                .isEqualTo(3);
        assertThat(killed).isEmpty();
        assertThat(questions.ended(EXEC, 3)).as("nobody asks any more").isFalse();
    }

    @Test
    void whatDoesNotAnswerInTimeIsKilled() throws DriverException {
        Answer answer = ask(() -> {}, Duration.ofMillis(20));
        assertThat(answer.code()).isEqualTo(-1);
        assertThat(answer.output()).isEqualTo("Health check exceeded timeout (20ms)");
        assertThat(killed).containsExactly(EXEC);
    }

    @Test
    void theEndOfTheContainerIsAnAnswer() throws Exception {
        CompletableFuture<Answer> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return ask(() -> {}, Duration.ofSeconds(20));
            } catch (DriverException e) {
                throw new AssertionError(e);
            }
        });
        while (!answer.isDone()) {
            questions.over(Given.DB);
            questions.over(Given.WEB);
            Thread.onSpinWait();
        }
        assertThat(answer.get(1, TimeUnit.SECONDS).code()).isEqualTo(137);
    }

    @Test
    void whatCannotBeRunIsAFailure() {
        assertThatThrownBy(() -> ask(
                        () -> {
                            throw DriverException.failure(Failure.Kind.MISSING, "executable file not found");
                        },
                        Duration.ofSeconds(1)))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("not found");
    }
}
