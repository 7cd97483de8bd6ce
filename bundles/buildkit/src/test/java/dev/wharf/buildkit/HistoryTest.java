package dev.wharf.buildkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.build.run.BuildException;
import dev.wharf.buildkit.wire.Common.Nothing;
import dev.wharf.buildkit.wire.Control.BuildHistoryEvent;
import dev.wharf.buildkit.wire.Control.BuildHistoryRequest;
import dev.wharf.buildkit.wire.Control.UpdateBuildHistoryRequest;
import dev.wharf.buildkit.wire.Control.Vertex;
import io.grpc.stub.StreamObserver;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class HistoryTest {
    private static final Instant AT = Instant.parse("2026-01-01T00:00:00Z");

    private final List<Workshop.Built> built = new ArrayList<>(List.of(
            new Workshop.Built("running", AT.plusSeconds(9), Optional.empty(), "Dockerfile", "", List.of()),
            new Workshop.Built(
                    "done",
                    AT,
                    Optional.of(Duration.ofSeconds(3)),
                    "Dockerfile.web",
                    "because",
                    List.of(
                            new Workshop.Built.Step("web", "FROM a", true, AT, Duration.ZERO),
                            new Workshop.Built.Step(
                                    "web", "RUN b", false, AT.plusSeconds(2), Duration.ofSeconds(1))))));

    private final History history = new History((Workshop) Proxy.newProxyInstance(
            Workshop.class.getClassLoader(), new Class<?>[] {Workshop.class}, (proxy, call, arguments) -> {
                if (call.getName().equals("built")) {
                    return List.copyOf(built);
                }
                if (!built.removeIf(one -> one.id().equals(arguments[0]))) {
                    throw new BuildException("no build " + arguments[0] + " is remembered");
                }
                return null;
            }));

    private static final class Heard<T> implements StreamObserver<T> {
        private final List<T> all = new ArrayList<>();
        private Optional<Throwable> fault = Optional.empty();

        @Override
        public void onNext(T one) {
            all.add(one);
        }

        @Override
        public void onError(Throwable why) {
            fault = Optional.of(why);
        }

        @Override
        public void onCompleted() {}
    }

    private List<BuildHistoryEvent> list(BuildHistoryRequest.Builder request) {
        Heard<BuildHistoryEvent> heard = new Heard<>();
        history.list(request.setEarlyExit(true).build(), heard);
        return heard.all;
    }

    @Test
    void buildsAreListedByWhatIsRememberedOfThem() {
        assertThat(list(BuildHistoryRequest.newBuilder()))
                .extracting(one -> one.getType() + " " + one.getRecord().getRef())
                .containsExactly("STARTED running", "COMPLETE done");
        assertThat(list(BuildHistoryRequest.newBuilder().setActiveOnly(true))).hasSize(1);
        assertThat(list(BuildHistoryRequest.newBuilder().setRef("done")))
                .singleElement()
                .extracting(BuildHistoryEvent::getRecord)
                .satisfies(record -> {
                    assertThat(record.getCompletedAt().getSeconds()).isEqualTo(AT.getEpochSecond() + 3);
                    assertThat(record.getNumTotalSteps()).isEqualTo(2);
                    assertThat(record.getNumCachedSteps()).isEqualTo(1);
                    assertThat(record.getError().getMessage()).isEqualTo("because");
                    assertThat(record.getFrontendAttrsOrThrow("filename")).isEqualTo("Dockerfile.web");
                });
    }

    @Test
    void theStepsOfABuildThatIsOverAreTold() {
        assertThat(history.steps("running")).isEmpty();
        assertThat(history.steps("done").orElseThrow().getVertexesList())
                .extracting(Vertex::getName, Vertex::getCached)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("[web] FROM a", true),
                        org.assertj.core.groups.Tuple.tuple("[web] RUN b", false));
    }

    @Test
    void aBuildIsForgottenOnce() {
        UpdateBuildHistoryRequest request = UpdateBuildHistoryRequest.newBuilder()
                .setRef("done")
                .setDelete(true)
                .build();
        Heard<Nothing> first = new Heard<>();
        Heard<Nothing> second = new Heard<>();

        history.update(request, first);
        history.update(request, second);

        assertThat(first.fault).isEmpty();
        assertThat(second.fault.orElseThrow()).hasMessageContaining("no build done is remembered");
        assertThat(built).hasSize(1);
    }
}
