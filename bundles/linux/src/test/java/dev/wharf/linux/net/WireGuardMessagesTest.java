package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.kernel.WireGuard.Other;
import dev.wharf.spi.kernel.WireGuard.State;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Bytes as the kernel's headers have them (linux/netlink.h, linux/genetlink.h, linux/wireguard.h) on a little-endian machine;
 * whether a kernel understands them is for {@link LinuxWireGuardTest}.
 */
class WireGuardMessagesTest {
    private static final int FAMILY = 0x1d;
    private static final byte[] KEY = bytes("0b".repeat(32));
    private static final Other FOUR =
            new Other(Base64.getEncoder().encodeToString(KEY), "192.0.2.11", 51_830, List.of("fe80::1:0:7/128"));

    @Test
    void theFamilyIsAskedForByName() {
        assertThat(hex(WireGuardMessages.family()))
                .isEqualTo(
                        "24000000" // length 36
                                + "1000" // GENL_ID_CTRL
                                + "0100" // NLM_F_REQUEST
                                + "07000000" // sequence
                                + "00000000" // port
                                + "03010000" // CTRL_CMD_GETFAMILY, version 1
                                + "0e000200" // 14 bytes, CTRL_ATTR_FAMILY_NAME
                                + "77697265677561726400" // "wireguard"
                                + "0000"); // to a multiple of four
        ByteBuffer answer = message(
                "01020000" // CTRL_CMD_NEWFAMILY
                        + "0e000200" + "77697265677561726400" + "0000" // its name
                        + "06000100" + "1d00" + "0000"); // CTRL_ATTR_FAMILY_ID
        assertThat(WireGuardMessages.family(answer)).isEqualTo(FAMILY);
    }

    @Test
    void aDeviceIsGivenItsKeyAndPort() {
        assertThat(hex(WireGuardMessages.device(FAMILY, "wg-1", KEY, 51_830)))
                .isEqualTo("4c000000" + "1d00" + "0500" // with NLM_F_ACK
                        + "07000000" + "00000000"
                        + "01010000" // WG_CMD_SET_DEVICE, version 1
                        + "09000200" + "77672d3100" + "000000" // WGDEVICE_A_IFNAME
                        + "24000300" + "0b".repeat(32) // WGDEVICE_A_PRIVATE_KEY
                        + "06000600" + "76ca" + "0000"); // WGDEVICE_A_LISTEN_PORT in the machine's order
    }

    @Test
    void somebodyIsAddedWithEndpointAndAddresses() throws Exception {
        assertThat(hex(WireGuardMessages.addition(FAMILY, "wg-1", List.of(FOUR))))
                .isEqualTo("94000000" + "1d00" + "0500" + "07000000" + "00000000" + "01010000"
                        + "09000200" + "77672d3100" + "000000"
                        + "74000880" // WGDEVICE_A_PEERS, NLA_F_NESTED
                        + "70000080" // the first of the list
                        + "24000100" + "0b".repeat(32) // WGPEER_A_PUBLIC_KEY
                        + "08000300" + "02000000" // WGPEER_F_REPLACE_ALLOWEDIPS
                        + "14000400" + "0200" + "ca76" + "c000020b" + "0000000000000000" // sockaddr_in
                        + "2c000980" // WGPEER_A_ALLOWEDIPS
                        + "28000080"
                        + "06000100" + "0a00" + "0000" // AF_INET6
                        + "14000200" + "fe800000000000000000000100000007"
                        + "05000300" + "80" + "000000"); // 128
    }

    @Test
    void anEndpointOfIpv6HasItsOwnStructure() throws Exception {
        Other six = new Other(FOUR.key(), "2001:db8::b", 51_830, List.of());

        assertThat(hex(WireGuardMessages.addition(FAMILY, "wg-1", List.of(six))))
                .endsWith("20000400" + "0a00" + "ca76" + "00000000" // sockaddr_in6, flow
                        + "20010db800000000000000000000000b" + "00000000" // scope
                        + "04000980");
    }

    @Test
    void somebodyIsRemovedByKey() {
        assertThat(hex(WireGuardMessages.removal(FAMILY, "wg-1", List.of(FOUR))))
                .endsWith("34000880" + "30000080" + "24000100" + "0b".repeat(32) + "08000300"
                        + "01000000"); // WGPEER_F_REMOVE_ME
    }

    @Test
    void theStateIsADumpThatMayComeInParts() throws Exception {
        assertThat(hex(WireGuardMessages.state(FAMILY, "wg-1")))
                .isEqualTo("20000000" + "1d00" + "0103" // NLM_F_DUMP
                        + "07000000" + "00000000"
                        + "00010000" // WG_CMD_GET_DEVICE
                        + "09000200" + "77672d3100" + "000000");
        String peer = "24000100" + "0b".repeat(32) + "14000400" + "0200" + "ca76" + "c000020b" + "0000000000000000";
        ByteBuffer first = message("00010000" + "06000600" + "76ca" + "0000"
                + "24000400" + "0c".repeat(32) // WGDEVICE_A_PUBLIC_KEY
                + "6c000880" + "68000080" + peer + "2c000980" + "28000080"
                + "06000100" + "0a00" + "0000" + "14000200" + "fe800000000000000000000100000007"
                + "05000300" + "80" + "000000");
        ByteBuffer second = message("00010000"
                + "4c000880" + "48000080" + "24000100" + "0b".repeat(32) + "20000980" + "1c000080"
                + "06000100" + "0200" + "0000" + "08000200" + "0a010203" + "05000300" + "18" + "000000");

        State state = WireGuardMessages.state(List.of(first, second));

        assertThat(state.port()).isEqualTo(51_830);
        assertThat(state.key()).isEqualTo(Base64.getEncoder().encodeToString(bytes("0c".repeat(32))));
        assertThat(state.others())
                .containsExactly(
                        new Other(FOUR.key(), "192.0.2.11", 51_830, List.of("10.1.2.3/24", "fe80:0:0:0:0:1:0:7/128")));
        assertThat(WireGuardMessages.canonical(Set.of(FOUR)))
                .as("in words that can be compared with the kernel's")
                .containsExactly(new Other(FOUR.key(), "192.0.2.11", 51_830, List.of("fe80:0:0:0:0:1:0:7/128")));
    }

    private static String hex(Request request) {
        ByteBuffer out = ByteBuffer.allocate(request.length()).order(ByteOrder.LITTLE_ENDIAN);
        request.writeTo(out, 7);
        return HexFormat.of().formatHex(out.array());
    }

    private static ByteBuffer message(String hex) {
        return ByteBuffer.wrap(bytes(hex)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }
}
