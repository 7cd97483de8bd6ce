package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.spi.DriverException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeccompTest {
    private static final Seccomp HERE = new Seccomp("amd64", "6.1.0-13-amd64");

    private static ObjectNode usual(String... capabilities) throws DriverException {
        return HERE.profile("default", Set.of(capabilities)).orElseThrow();
    }

    /** The actions of all rules for a call, in order. */
    private static List<String> actions(JsonNode profile, String call) {
        List<String> all = new ArrayList<>();
        for (JsonNode rule : profile.path("syscalls")) {
            for (JsonNode name : rule.path("names")) {
                if (name.asText().equals(call)) {
                    all.add(rule.path("action").asText());
                }
            }
        }
        return all;
    }

    @Test
    void whatIsNotAllowedIsRefusedWithAnError() throws DriverException {
        assertThat(usual().path("defaultAction").asText()).isEqualTo("SCMP_ACT_ERRNO");
        assertThat(usual().path("defaultErrnoRet").asInt()).isEqualTo(1);
        assertThat(actions(usual(), "read")).containsExactly("SCMP_ACT_ALLOW");
        for (String call : List.of("mount", "kexec_load", "io_uring_setup", "keyctl", "reboot", "init_module", "bpf")) {
            assertThat(actions(usual(), call)).as(call).isEmpty();
        }
    }

    @Test
    void capabilitiesBringTheirCalls() throws DriverException {
        assertThat(actions(usual("CAP_SYS_ADMIN"), "mount")).containsExactly("SCMP_ACT_ALLOW");
        assertThat(actions(usual("CAP_SYS_BOOT"), "reboot")).containsExactly("SCMP_ACT_ALLOW");
        assertThat(actions(usual("CAP_SYS_BOOT"), "mount")).isEmpty();
    }

    @Test
    void namespacesNeedSysAdminAndOthersAreSentToAnotherCall() throws DriverException {
        assertThat(actions(usual(), "clone3")).containsExactly("SCMP_ACT_ERRNO");
        assertThat(actions(usual("CAP_SYS_ADMIN"), "clone3")).containsExactly("SCMP_ACT_ALLOW");
        JsonNode clone = rule(usual(), "clone");
        assertThat(clone.path("args").path(0).path("value").asLong()).isEqualTo(0x7E020000L);
        assertThat(clone.path("args").path(0).path("op").asText()).isEqualTo("SCMP_CMP_MASKED_EQ");
        assertThat(rule(usual("CAP_SYS_ADMIN"), "clone").has("args")).isFalse();
    }

    private static JsonNode rule(JsonNode profile, String call) {
        for (JsonNode rule : profile.path("syscalls")) {
            for (JsonNode name : rule.path("names")) {
                if (name.asText().equals(call)) {
                    return rule;
                }
            }
        }
        throw new AssertionError("no rule for " + call);
    }

    @Test
    void everythingIsDecidedForOneArchitecture() throws DriverException {
        ObjectNode profile = usual();
        List<String> architectures = new ArrayList<>();
        profile.path("architectures").forEach(node -> architectures.add(node.asText()));
        assertThat(architectures).containsExactly("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32");
        assertThat(actions(profile, "arch_prctl")).containsExactly("SCMP_ACT_ALLOW");
        assertThat(actions(profile, "s390_runtime_instr")).isEmpty();
        assertThat(profile.has("archMap")).isFalse();
        profile.path("syscalls")
                .forEach(rule -> assertThat(rule.has("includes") || rule.has("excludes") || rule.has("comment"))
                        .isFalse());
    }

    @Test
    void anOldKernelKeepsTracersOut() throws DriverException {
        Seccomp old = new Seccomp("amd64", "4.4.0");

        assertThat(actions(old.profile("", Set.of()).orElseThrow(), "ptrace")).isEmpty();
        assertThat(actions(usual(), "ptrace")).containsExactly("SCMP_ACT_ALLOW");
    }

    @Test
    void unconfinedIsNoProfile() throws DriverException {
        assertThat(HERE.profile("unconfined", Set.of())).isEmpty();
    }

    @Test
    void aProfileOfTheUsersOwnIsTakenAsItIs() throws DriverException {
        ObjectNode profile = HERE.profile("""
                        {"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
                         "syscalls":[{"name":"chmod","action":"SCMP_ACT_ERRNO","errnoRet":13}]}
                        """, Set.of()).orElseThrow();

        assertThat(profile.toString())
                .isEqualTo("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\"],"
                        + "\"syscalls\":[{\"names\":[\"chmod\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13}]}");
    }

    @Test
    void nonsenseIsRefusedWithAReason() {
        assertThatThrownBy(() -> HERE.profile("{\"defaultAction\":", Set.of()))
                .hasMessageStartingWith("decoding seccomp profile failed");
        assertThatThrownBy(() -> HERE.profile("[]", Set.of())).hasMessage("seccomp profile has no defaultAction");
        assertThatThrownBy(() -> HERE.profile(
                        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"a\"],\"archMap\":[{}]}", Set.of()))
                .hasMessageContaining("one of them only");
    }
}
