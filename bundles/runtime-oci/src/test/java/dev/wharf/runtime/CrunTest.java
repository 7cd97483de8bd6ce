package dev.wharf.runtime;

import static dev.wharf.testkit.runtime.RuntimeSpecs.exec;
import static dev.wharf.testkit.runtime.RuntimeSpecs.execId;
import static dev.wharf.testkit.runtime.RuntimeSpecs.shell;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.OciRuntime.Executing;
import dev.wharf.spi.runtime.OciRuntime.Streaming;
import dev.wharf.testkit.runtime.RecordingSink;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CrunTest extends OciDriverTest {
    /** The numbers of x32 have this bit, and reach to 547. */
    private static final int X32 = 0x40000000;

    private static final int CALLS = 600;

    CrunTest() {
        super("crun");
    }

    @Test
    void aRuntimeIsReadyForTheNextOfManyExecsAndGoesWithTheContainer() throws Exception {
        ContainerId container = run(shell("exec sleep 60"));
        assertThat(waiting(container)).isEmpty();
        execute(container);
        execute(container);

        List<ProcessHandle> first = await(container);
        execute(container);

        assertThat(first.get(0).onExit()).succeedsWithin(Duration.ofSeconds(10));
        List<ProcessHandle> second = await(container);
        runtime.delete(container);

        assertThat(second.get(0).onExit()).succeedsWithin(Duration.ofSeconds(10));
    }

    /** A runtime that has not run anything yet has no child. */
    private static List<ProcessHandle> waiting(ContainerId container) {
        return ProcessHandle.current()
                .children()
                .filter(child -> child.info().arguments().stream()
                        .anyMatch(arguments -> List.of(arguments).containsAll(List.of("exec", container.value()))))
                .toList();
    }

    private static List<ProcessHandle> await(ContainerId container) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (waiting(container).size() != 1) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(10);
        }
        return waiting(container);
    }

    private void execute(ContainerId container) throws Exception {
        ExecId exec = execId();
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
            able(Executing.class).exec(container, exec, exec("/bin/true"));
            assertThat(exits.await(exec)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", """
                {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": [
                  {"names": ["mkdir", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
                  {"names": ["chmod"], "action": "SCMP_ACT_LOG", "args": [
                    {"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 17179869189, "op": "SCMP_CMP_EQ"}]},
                  {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": [
                    {"index": 0, "value": 2080505856, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
                  {"names": ["lseek"], "action": "SCMP_ACT_ALLOW"},
                  {"names": ["kill"], "action": "SCMP_ACT_KILL_PROCESS", "args": [
                    {"index": 0, "value": 7, "op": "SCMP_CMP_GE"}, {"index": 1, "value": 9, "op": "SCMP_CMP_NE"}]},
                  {"names": ["tgkill"], "action": "SCMP_ACT_TRAP", "args": [{"index": 2, "value": 8589934599, "op": "SCMP_CMP_LT"}]},
                  {"names": ["tkill"], "action": "SCMP_ACT_TRACE", "errnoRet": 7, "args": [
                    {"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_GT"}]}]}
                """})
    void aFilterDecidesAsTheRuntimesOwn(String profile) throws Exception {
        ContainerId container = create(shell("true").seccomp(profile));
        Path exec = base.resolve("exec");
        byte[] theirs = Files.readAllBytes(
                exec.resolve("oci/crun").resolve(container.value()).resolve("seccomp.bpf"));
        JsonNode rules = new ObjectMapper()
                .readTree(exec.resolve("containers")
                        .resolve(container.value())
                        .resolve("config.json")
                        .toFile())
                .path("linux")
                .path("seccomp");
        assertThat(rules.path("syscalls")).isNotEmpty();

        FilterMachine list = new FilterMachine(theirs);
        FilterMachine tree = new FilterMachine(Host.FILTERS.compile(FilterRules.of(rules)));

        List<long[]> arguments = arguments(rules);
        for (int architecture : new int[] {FilterMachine.X86_64, FilterMachine.X86, 0xc00000b7}) {
            for (int first : new int[] {0, X32}) {
                for (int call = first - 1; call < first + CALLS; call++) {
                    for (long[] words : arguments) {
                        int wanted = list.decide(architecture, call, words);
                        if (tree.decide(architecture, call, words) != wanted) {
                            assertThat(tree.decide(architecture, call, words))
                                    .as("call %d of %x with %s", call, architecture, List.of(words))
                                    .isEqualTo(wanted);
                        }
                    }
                }
            }
        }
    }

    /** None, and each value that the rules look for, one less and one more, in each place. */
    private static List<long[]> arguments(JsonNode rules) {
        List<Long> values = new ArrayList<>(List.of(-1L));
        for (JsonNode value : rules.findValues("value")) {
            long one = value.isBigInteger() ? value.bigIntegerValue().longValue() : value.asLong();
            for (long near : new long[] {one - 1, one, one + 1, one & 0xffffffffL, one | 1L << 40}) {
                if (!values.contains(near)) {
                    values.add(near);
                }
            }
        }
        List<long[]> all = new ArrayList<>(List.of(new long[6]));
        for (long value : values) {
            for (int place = 0; place < 6; place++) {
                long[] words = new long[6];
                words[place] = value;
                all.add(words);
            }
        }
        return all;
    }
}
