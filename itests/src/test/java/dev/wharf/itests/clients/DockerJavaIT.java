package dev.wharf.itests.clients;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.command.CreateContainerResponse;
import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.command.PullImageResultCallback;
import com.github.dockerjava.api.command.PushImageCmd;
import com.github.dockerjava.api.command.WaitContainerResultCallback;
import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.exception.NotModifiedException;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.ChangeLog;
import com.github.dockerjava.api.model.Container;
import com.github.dockerjava.api.model.ContainerNetwork;
import com.github.dockerjava.api.model.Event;
import com.github.dockerjava.api.model.ExposedPort;
import com.github.dockerjava.api.model.Frame;
import com.github.dockerjava.api.model.HealthCheck;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.Image;
import com.github.dockerjava.api.model.Network;
import com.github.dockerjava.api.model.PortBinding;
import com.github.dockerjava.api.model.Ports;
import com.github.dockerjava.api.model.PruneType;
import com.github.dockerjava.api.model.PushResponseItem;
import com.github.dockerjava.api.model.RestartPolicy;
import com.github.dockerjava.api.model.Statistics;
import com.github.dockerjava.api.model.StreamType;
import com.github.dockerjava.api.model.Ulimit;
import com.github.dockerjava.api.model.Volume;
import com.github.dockerjava.core.DefaultDockerClientConfig;
import com.github.dockerjava.core.DockerClientImpl;
import com.github.dockerjava.httpclient5.ApacheDockerHttpClient;
import com.github.dockerjava.transport.DockerHttpClient;
import com.github.dockerjava.zerodep.ZerodepDockerHttpClient;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** docker-java, which most of what is written in Java is built on, over both of its transports. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class DockerJavaIT {
    private final Daemon daemon;
    private final List<DockerClient> open = new ArrayList<>();

    DockerJavaIT(Daemon daemon) {
        this.daemon = daemon;
    }

    /** How requests travel. */
    enum Transport {
        ZERODEP {
            @Override
            DockerHttpClient to(URI host) {
                return new ZerodepDockerHttpClient.Builder().dockerHost(host).build();
            }
        },
        HTTPCLIENT5 {
            @Override
            DockerHttpClient to(URI host) {
                return new ApacheDockerHttpClient.Builder().dockerHost(host).build();
            }
        };

        abstract DockerHttpClient to(URI host);
    }

    private DockerClient client(Transport transport) {
        DefaultDockerClientConfig config = DefaultDockerClientConfig.createDefaultConfigBuilder()
                .withDockerHost(daemon.host())
                .withDockerTlsVerify(false)
                .build();
        DockerClient client = DockerClientImpl.getInstance(config, transport.to(config.getDockerHost()));
        open.add(client);
        return client;
    }

    @AfterEach
    void closeClients() throws IOException {
        for (DockerClient client : open) client.close();
    }

    /** Everything that was said, each stream for itself. */
    private static final class Said extends ResultCallback.Adapter<Frame> {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private final ByteArrayOutputStream err = new ByteArrayOutputStream();
        private final CountDownLatch began = new CountDownLatch(1);

        @Override
        public void onStart(java.io.Closeable stream) {
            super.onStart(stream);
            began.countDown();
        }

        @Override
        public synchronized void onNext(Frame frame) {
            (frame.getStreamType() == StreamType.STDERR ? err : out).writeBytes(frame.getPayload());
        }

        synchronized String out() {
            return out.toString(UTF_8);
        }

        synchronized String err() {
            return err.toString(UTF_8);
        }

        Said whole() throws InterruptedException {
            assertThat(awaitCompletion(20, TimeUnit.SECONDS)).isTrue();
            return this;
        }
    }

    private static String create(DockerClient docker, String script) {
        return docker.createContainerCmd("busybox")
                .withCmd("sh", "-c", script)
                .exec()
                .getId();
    }

    private static String run(DockerClient docker, String script) {
        String id = create(docker, script);
        docker.startContainerCmd(id).exec();
        return id;
    }

    private static int await(DockerClient docker, String id) {
        return docker.waitContainerCmd(id)
                .exec(new WaitContainerResultCallback())
                .awaitStatusCode(20, TimeUnit.SECONDS);
    }

    private static Said exec(DockerClient docker, String id, String... command) throws InterruptedException {
        String exec = docker.execCreateCmd(id)
                .withAttachStdout(true)
                .withAttachStderr(true)
                .withCmd(command)
                .exec()
                .getId();
        return docker.execStartCmd(exec).exec(new Said()).whole();
    }

    @ParameterizedTest
    @EnumSource
    void theEngineTellsWhatItIs(Transport transport) {
        DockerClient docker = client(transport);
        docker.pingCmd().exec();
        assertThat(docker.versionCmd().exec().getApiVersion()).startsWith("1.");
        var info = docker.infoCmd().exec();
        assertThat(info.getOsType()).isEqualTo("linux");
        assertThat(info.getImages()).isPositive();
        assertThat(info.getNCPU()).isPositive();
        assertThat(info.getMemTotal()).isPositive();
        assertThat(info.getSwarm().getLocalNodeState().toString()).isEqualToIgnoringCase("inactive");
    }

    @ParameterizedTest
    @EnumSource
    void aContainerIsCreatedStartedStoppedAndRemoved(Transport transport) {
        DockerClient docker = client(transport);
        CreateContainerResponse created = docker.createContainerCmd("busybox")
                .withName("life")
                .withCmd("sleep", "1000")
                .withEnv("A=1")
                .withLabels(Map.of("who", "docker-java"))
                .withHostConfig(HostConfig.newHostConfig()
                        .withCapDrop(Capability.NET_RAW)
                        .withMemory(32L << 20)
                        .withRestartPolicy(RestartPolicy.onFailureRestart(2))
                        .withUlimits(List.of(new Ulimit("nofile", 100L, 200L))))
                .exec();
        assertThat(created.getWarnings()).isEmpty();
        String id = created.getId();

        docker.startContainerCmd(id).exec();
        assertThatThrownBy(() -> docker.startContainerCmd(id).exec()).isInstanceOf(NotModifiedException.class);
        InspectContainerResponse up = docker.inspectContainerCmd("life").exec();
        assertThat(up.getState().getRunning()).isTrue();
        assertThat(up.getState().getPidLong()).isPositive();
        assertThat(up.getConfig().getEnv()).contains("A=1");
        assertThat(up.getHostConfig().getRestartPolicy()).isEqualTo(RestartPolicy.onFailureRestart(2));
        assertThat(up.getHostConfig().getUlimits()).containsExactly(new Ulimit("nofile", 100L, 200L));
        assertThat(up.getNetworkSettings().getNetworks()).containsKey("bridge");
        assertThatThrownBy(() ->
                        docker.createContainerCmd("busybox").withName("life").exec())
                .isInstanceOf(ConflictException.class);

        docker.pauseContainerCmd(id).exec();
        assertThat(docker.inspectContainerCmd(id).exec().getState().getPaused()).isTrue();
        docker.unpauseContainerCmd(id).exec();
        docker.renameContainerCmd(id).withName("other").exec();
        docker.updateContainerCmd(id)
                .withMemory(48L << 20)
                .withMemorySwap(96L << 20)
                .exec();
        assertThat(docker.inspectContainerCmd("other").exec().getHostConfig().getMemory())
                .isEqualTo(48L << 20);
        docker.restartContainerCmd(id).withTimeout(0).exec();
        docker.killContainerCmd(id).withSignal("SIGKILL").exec();
        assertThat(await(docker, id)).isEqualTo(137);
        assertThatThrownBy(() -> docker.stopContainerCmd(id).exec()).isInstanceOf(NotModifiedException.class);

        docker.removeContainerCmd(id).withRemoveVolumes(true).exec();
        assertThatThrownBy(() -> docker.inspectContainerCmd(id).exec()).isInstanceOf(NotFoundException.class);
    }

    @ParameterizedTest
    @EnumSource
    void containersAreListedByWhatTheyAre(Transport transport) {
        DockerClient docker = client(transport);
        String up = run(docker, "sleep 1000");
        String done = docker.createContainerCmd("busybox")
                .withCmd("false")
                .withLabels(Map.of("a", "b"))
                .exec()
                .getId();
        docker.startContainerCmd(done).exec();
        assertThat(await(docker, done)).isEqualTo(1);

        assertThat(docker.listContainersCmd().exec())
                .extracting(Container::getId)
                .containsExactly(up);
        assertThat(docker.listContainersCmd().withShowAll(true).exec()).hasSize(2);
        assertThat(docker.listContainersCmd()
                        .withLabelFilter(Map.of("a", "b"))
                        .withShowAll(true)
                        .exec())
                .extracting(Container::getId)
                .containsExactly(done);
        assertThat(docker.listContainersCmd()
                        .withStatusFilter(List.of("exited"))
                        .exec())
                .extracting(Container::getId)
                .containsExactly(done);
        assertThat(docker.listContainersCmd().withExitedFilter(1).exec())
                .as("a code alone, unlike a status, does not ask for those that have ended")
                .isEmpty();
        assertThat(docker.listContainersCmd()
                        .withShowAll(true)
                        .withExitedFilter(1)
                        .exec())
                .hasSize(1);
        assertThat(docker.listContainersCmd()
                        .withAncestorFilter(List.of("busybox"))
                        .exec())
                .hasSize(1);
        Container line = docker.listContainersCmd().withShowSize(true).exec().get(0);
        assertThat(line.getImage()).isEqualTo("busybox");
        assertThat(line.getState()).isEqualTo("running");
        assertThat(line.getSizeRootFs()).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void outputIsFollowedFromTheStartToTheEnd(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        String id = run(docker, "for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.2; done");
        Said all = docker.logContainerCmd(id)
                .withStdOut(true)
                .withStdErr(true)
                .withFollowStream(true)
                .exec(new Said())
                .whole();
        assertThat(all.out()).isEqualTo("out 1\nout 2\nout 3\n");
        assertThat(all.err()).isEqualTo("err 1\nerr 2\nerr 3\n");
        Said last = docker.logContainerCmd(id)
                .withStdOut(true)
                .withTail(1)
                .withTimestamps(true)
                .exec(new Said())
                .whole();
        assertThat(last.out()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z out 3\n");
        assertThat(docker.logContainerCmd(id)
                        .withStdOut(true)
                        .withSince((int) (System.currentTimeMillis() / 1000) + 100)
                        .exec(new Said())
                        .whole()
                        .out())
                .isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void inputGoesIn(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        String id = docker.createContainerCmd("busybox")
                .withCmd("sh", "-c", "read one; echo got $one; read two; echo got $two; echo end")
                .withStdinOpen(true)
                .withStdInOnce(true)
                .withAttachStdin(true)
                .withAttachStdout(true)
                .exec()
                .getId();
        try (PipedOutputStream typing = new PipedOutputStream();
                InputStream typed = new PipedInputStream(typing)) {
            Said said = docker.attachContainerCmd(id)
                    .withStdIn(typed)
                    .withStdOut(true)
                    .withStdErr(true)
                    .withFollowStream(true)
                    .exec(new Said());
            said.began.await(10, TimeUnit.SECONDS);
            docker.startContainerCmd(id).exec();
            typing.write("one\n".getBytes(UTF_8));
            typing.write("two\n".getBytes(UTF_8));
            typing.flush();
            assertThat(said.whole().out()).isEqualTo("got one\ngot two\nend\n");
        }
        assertThat(await(docker, id)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void commandsRunInsideAndTellHowTheyEnded(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        String id = run(docker, "sleep 1000");
        String exec = docker.execCreateCmd(id)
                .withAttachStdin(true)
                .withAttachStdout(true)
                .withAttachStderr(true)
                .withUser("nobody")
                .withWorkingDir("/tmp")
                .withEnv(List.of("X=y"))
                .withCmd("sh", "-c", "read line; echo $line; id -un; pwd; echo $X >&2; exit 9")
                .exec()
                .getId();
        assertThat(docker.inspectExecCmd(exec).exec().isRunning()).isFalse();
        Said said = docker.execStartCmd(exec)
                .withStdIn(new ByteArrayInputStream("fed\n".getBytes(UTF_8)))
                .exec(new Said())
                .whole();
        assertThat(said.out()).isEqualTo("fed\nnobody\n/tmp\n");
        assertThat(said.err()).isEqualTo("y\n");
        assertThat(docker.inspectExecCmd(exec).exec().getExitCodeLong()).isEqualTo(9);

        String terminal = docker.execCreateCmd(id)
                .withAttachStdout(true)
                .withTty(true)
                .withCmd("sh", "-c", "tty; stty size")
                .exec()
                .getId();
        assertThat(docker.execStartCmd(terminal)
                        .withTty(true)
                        .exec(new Said())
                        .whole()
                        .out())
                .startsWith("/dev/pts/0\r\n");
        String detached =
                docker.execCreateCmd(id).withCmd("touch", "/detached").exec().getId();
        docker.execStartCmd(detached).withDetach(true).exec(new Said()).whole();
        for (int i = 0; i < 600 && docker.inspectExecCmd(detached).exec().isRunning(); i++) Thread.sleep(50);
        assertThat(exec(docker, id, "ls", "/detached").out()).isEqualTo("/detached\n");
        assertThat(docker.topContainerCmd(id).exec().getProcesses()).hasDimensions(1, 8);
    }

    @ParameterizedTest
    @EnumSource
    void countersCome(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        String id = run(docker, "while :; do :; done");
        List<Statistics> seen = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch two = new CountDownLatch(2);
        try (ResultCallback.Adapter<Statistics> callback = new ResultCallback.Adapter<>() {
            @Override
            public void onNext(Statistics one) {
                seen.add(one);
                two.countDown();
            }
        }) {
            docker.statsCmd(id).exec(callback);
            assertThat(two.await(10, TimeUnit.SECONDS)).isTrue();
        }
        Statistics second = seen.get(1);
        assertThat(second.getCpuStats().getCpuUsage().getTotalUsage())
                .isGreaterThan(second.getPreCpuStats().getCpuUsage().getTotalUsage());
        assertThat(second.getCpuStats().getOnlineCpus()).isPositive();
        assertThat(second.getMemoryStats().getUsage()).isPositive();
        assertThat(second.getNetworks()).containsKey("eth0");
        assertThat(second.getPidsStats().getCurrent()).isEqualTo(1);
        Statistics[] once = new Statistics[1];
        docker.statsCmd(id)
                .withNoStream(true)
                .exec(new ResultCallback.Adapter<Statistics>() {
                    @Override
                    public void onNext(Statistics one) {
                        once[0] = one;
                    }
                })
                .awaitCompletion(10, TimeUnit.SECONDS);
        assertThat(once[0].getCpuStats().getSystemCpuUsage()).isPositive();
        docker.removeContainerCmd(id).withForce(true).exec();
    }

    @ParameterizedTest
    @EnumSource
    void eventsComeAsTheyHappen(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch destroyed = new CountDownLatch(1);
        try (ResultCallback.Adapter<Event> callback = new ResultCallback.Adapter<>() {
            @Override
            public void onStart(java.io.Closeable stream) {
                super.onStart(stream);
                began.countDown();
            }

            @Override
            public void onNext(Event event) {
                seen.add(event.getType().getValue() + " " + event.getAction());
                if ("destroy".equals(event.getAction())) destroyed.countDown();
            }
        }) {
            docker.eventsCmd().withLabelFilter("seen=yes").exec(callback);
            assertThat(began.await(10, TimeUnit.SECONDS)).isTrue();
            run(docker, "true");
            String id = docker.createContainerCmd("busybox")
                    .withLabels(Map.of("seen", "yes"))
                    .withCmd("true")
                    .exec()
                    .getId();
            docker.startContainerCmd(id).exec();
            await(docker, id);
            docker.removeContainerCmd(id).exec();
            assertThat(destroyed.await(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(seen).containsExactly("container create", "container start", "container die", "container destroy");
    }

    @ParameterizedTest
    @EnumSource
    void filesAreCopiedBothWays(Transport transport, @TempDir Path folder) throws Exception {
        DockerClient docker = client(transport);
        Files.createDirectories(folder.resolve("tree/a"));
        Files.writeString(folder.resolve("tree/a/b"), "deep");
        String id = create(docker, "cat /in/tree/a/b; echo changed >> /in/tree/a/b");
        docker.copyArchiveToContainerCmd(id)
                .withHostResource(folder.resolve("tree").toString())
                .withRemotePath("/tmp")
                .exec();
        docker.copyArchiveToContainerCmd(id)
                .withHostResource(folder.resolve("tree/a/b").toString())
                .withRemotePath("/root")
                .exec();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(
                docker.copyArchiveFromContainerCmd(id, "/tmp/tree").exec())) {
            List<String> names = new ArrayList<>();
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                names.add(entry.getName());
            }
            assertThat(names).containsExactly("tree/", "tree/a/", "tree/a/b");
        }
        assertThat(docker.containerDiffCmd(id).exec())
                .extracting(ChangeLog::getPath)
                .contains("/root/b", "/tmp/tree/a/b");
        assertThatThrownBy(
                        () -> docker.copyArchiveFromContainerCmd(id, "/nothing").exec())
                .isInstanceOf(NotFoundException.class);
    }

    @ParameterizedTest
    @EnumSource
    void aContainerBecomesAnImageThatTravels(Transport transport, @TempDir Path folder) throws Exception {
        DockerClient docker = client(transport);
        String id = run(docker, "echo kept > /kept");
        await(docker, id);
        String image = docker.commitCmd(id)
                .withRepository("made")
                .withTag("here")
                .withAuthor("me")
                .withMessage("by docker-java")
                .exec();
        try {
            assertThat(docker.inspectImageCmd("made:here").exec().getAuthor()).isEqualTo("me");
            assertThat(docker.listImagesCmd()
                            .withFilter("reference", List.of("made"))
                            .exec())
                    .extracting(Image::getId)
                    .containsExactly(image);
            docker.tagImageCmd("made:here", "made", "there").exec();
            Path saved = folder.resolve("saved.tar");
            try (InputStream tar = docker.saveImagesCmd()
                    .withImage("made", "here")
                    .withImage("made", "there")
                    .exec()) {
                Files.copy(tar, saved);
            }
            docker.removeContainerCmd(id).exec();
            docker.removeImageCmd("made:there").exec();
            docker.removeImageCmd("made:here").exec();
            assertThatThrownBy(() -> docker.inspectImageCmd("made:here").exec()).isInstanceOf(NotFoundException.class);
            try (InputStream tar = Files.newInputStream(saved)) {
                docker.loadImageCmd(tar).exec();
            }
            assertThat(docker.inspectImageCmd("made:here").exec().getRepoTags())
                    .containsExactlyInAnyOrder("made:here", "made:there");
            String again = docker.createContainerCmd("made:there")
                    .withCmd("cat", "/kept")
                    .exec()
                    .getId();
            Said said = docker.attachContainerCmd(again)
                    .withStdOut(true)
                    .withFollowStream(true)
                    .exec(new Said());
            said.began.await(10, TimeUnit.SECONDS);
            docker.startContainerCmd(again).exec();
            assertThat(said.whole().out()).isEqualTo("kept\n");
            // The end of its output is not yet the end of the container.
            await(docker, again);
            docker.removeContainerCmd(again).exec();
        } finally {
            docker.removeImageCmd(image).withForce(true).exec();
        }
        docker.pruneCmd(PruneType.IMAGES).withDangling(true).exec();
    }

    @ParameterizedTest
    @EnumSource
    void imagesArePushedAndPulledWithProgress(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            String name = registry.host() + "/team/box";
            docker.tagImageCmd("busybox", name, "1").exec();
            List<PushResponseItem> pushed = new ArrayList<>();
            PushImageCmd push = docker.pushImageCmd(name).withTag("1");
            push.exec(new ResultCallback.Adapter<PushResponseItem>() {
                        @Override
                        public void onNext(PushResponseItem item) {
                            pushed.add(item);
                        }
                    })
                    .awaitCompletion(20, TimeUnit.SECONDS);
            assertThat(pushed).noneMatch(PushResponseItem::isErrorIndicated).isNotEmpty();
            assertThat(pushed.get(pushed.size() - 1).getAux().getDigest()).startsWith("sha256:");
            docker.removeImageCmd(name + ":1").exec();

            docker.pullImageCmd(name)
                    .withTag("1")
                    .exec(new PullImageResultCallback())
                    .awaitCompletion(20, TimeUnit.SECONDS);
            assertThat(docker.inspectImageCmd(name + ":1").exec().getRepoDigests())
                    .anyMatch(d -> d.startsWith(name + "@"));
            docker.removeImageCmd(name + ":1").exec();
            assertThatThrownBy(() -> docker.pullImageCmd(name)
                            .withTag("2")
                            .exec(new PullImageResultCallback())
                            .awaitCompletion(20, TimeUnit.SECONDS))
                    .isInstanceOf(NotFoundException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void networksJoinAndPartContainers(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        String network = docker.createNetworkCmd()
                .withName("town")
                .withDriver("bridge")
                .withLabels(Map.of("n", "1"))
                .withIpam(new Network.Ipam()
                        .withConfig(new Network.Ipam.Config()
                                .withSubnet("172.30.200.0/24")
                                .withGateway("172.30.200.1")))
                .exec()
                .getId();
        assertThatThrownBy(() -> docker.createNetworkCmd()
                        .withName("town")
                        .withCheckDuplicate(true)
                        .exec())
                .isInstanceOf(ConflictException.class);
        String web = docker.createContainerCmd("busybox")
                .withHostConfig(HostConfig.newHostConfig()
                        .withNetworkMode("town")
                        .withPortBindings(new PortBinding(Ports.Binding.bindIp("127.0.0.1"), ExposedPort.tcp(8080))))
                .withExposedPorts(ExposedPort.tcp(8080))
                .withAliases("shop")
                .withIpv4Address("172.30.200.7")
                .withCmd("httpd", "-f", "-p", "8080", "-h", "/var/www")
                .exec()
                .getId();
        docker.startContainerCmd(web).exec();
        String guest = run(docker, "sleep 1000");
        docker.connectToNetworkCmd()
                .withContainerId(guest)
                .withNetworkId(network)
                .withContainerNetwork(new ContainerNetwork().withAliases("visitor"))
                .exec();
        assertThat(exec(docker, guest, "wget", "-qO-", "http://shop:8080/").out())
                .contains("Hello");
        Network seen = docker.inspectNetworkCmd().withNetworkId("town").exec();
        assertThat(seen.getContainers()).containsOnlyKeys(web, guest);
        assertThat(seen.getContainers().get(web).getIpv4Address()).isEqualTo("172.30.200.7/24");
        Ports.Binding bound = docker.inspectContainerCmd(web)
                .exec()
                .getNetworkSettings()
                .getPorts()
                .getBindings()
                .get(ExposedPort.tcp(8080))[0];
        try (Socket socket = new Socket("127.0.0.1", Integer.parseInt(bound.getHostPortSpec()))) {
            assertThat(socket.isConnected()).isTrue();
        }
        docker.disconnectFromNetworkCmd()
                .withContainerId(guest)
                .withNetworkId(network)
                .exec();
        assertThat(docker.inspectContainerCmd(guest).exec().getNetworkSettings().getNetworks())
                .containsOnlyKeys("bridge");
        assertThat(docker.listNetworksCmd().withFilter("label", List.of("n=1")).exec())
                .extracting(Network::getName)
                .containsExactly("town");
        docker.removeContainerCmd(web).withForce(true).exec();
        docker.removeNetworkCmd(network).exec();
        assertThatThrownBy(
                        () -> docker.inspectNetworkCmd().withNetworkId(network).exec())
                .isInstanceOf(NotFoundException.class);
    }

    @ParameterizedTest
    @EnumSource
    void volumesOutliveTheirContainers(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        docker.createVolumeCmd().withName("store").withLabels(Map.of("v", "1")).exec();
        for (String script : List.of("echo first > /v/f", "cat /v/f > /dev/stderr; cat /v/f")) {
            String id = docker.createContainerCmd("busybox")
                    .withHostConfig(HostConfig.newHostConfig().withBinds(new Bind("store", new Volume("/v"))))
                    .withCmd("sh", "-c", script)
                    .exec()
                    .getId();
            docker.startContainerCmd(id).exec();
            assertThat(await(docker, id)).isZero();
            if (script.startsWith("cat")) {
                assertThat(docker.logContainerCmd(id)
                                .withStdOut(true)
                                .exec(new Said())
                                .whole()
                                .out())
                        .isEqualTo("first\n");
                assertThat(docker.inspectContainerCmd(id)
                                .exec()
                                .getMounts()
                                .get(0)
                                .getName())
                        .isEqualTo("store");
                assertThatThrownBy(() -> docker.removeVolumeCmd("store").exec()).isInstanceOf(ConflictException.class);
            }
            docker.removeContainerCmd(id).exec();
        }
        assertThat(docker.listVolumesCmd()
                        .withFilter("label", List.of("v=1"))
                        .exec()
                        .getVolumes())
                .hasSize(1);
        assertThat(Files.readString(
                        Path.of(docker.inspectVolumeCmd("store").exec().getMountpoint(), "f")))
                .isEqualTo("first\n");
        docker.removeVolumeCmd("store").exec();
        assertThatThrownBy(() -> docker.inspectVolumeCmd("store").exec()).isInstanceOf(NotFoundException.class);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsNotUsedIsPruned(Transport transport) {
        DockerClient docker = client(transport);
        String id = run(docker, "head -c 100000 /dev/zero > /f");
        await(docker, id);
        docker.createNetworkCmd().withName("spare").exec();
        docker.createVolumeCmd().exec();
        assertThat(docker.pruneCmd(PruneType.CONTAINERS).exec().getSpaceReclaimed())
                .isGreaterThanOrEqualTo(100_000);
        docker.pruneCmd(PruneType.NETWORKS).exec();
        docker.pruneCmd(PruneType.VOLUMES).exec();
        assertThat(docker.listContainersCmd().withShowAll(true).exec()).isEmpty();
        assertThat(docker.listNetworksCmd().exec()).extracting(Network::getName).doesNotContain("spare");
        assertThat(docker.listVolumesCmd().exec().getVolumes()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void healthIsLookedAfter(Transport transport) throws Exception {
        DockerClient docker = client(transport);
        String id = docker.createContainerCmd("busybox")
                .withCmd("sleep", "1000")
                .withHealthcheck(new HealthCheck()
                        .withTest(List.of("CMD-SHELL", "echo fine"))
                        .withInterval(TimeUnit.MILLISECONDS.toNanos(200)))
                .exec()
                .getId();
        docker.startContainerCmd(id).exec();
        for (int i = 0;
                i < 100
                        && !docker.inspectContainerCmd(id)
                                .exec()
                                .getState()
                                .getHealth()
                                .getStatus()
                                .equals("healthy");
                i++) {
            Thread.sleep(50);
        }
        var health = docker.inspectContainerCmd(id).exec().getState().getHealth();
        assertThat(health.getStatus()).isEqualTo("healthy");
        assertThat(health.getLog().get(0).getOutput()).isEqualTo("fine\n");
    }
}
