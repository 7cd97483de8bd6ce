package dev.wharf.core.plan;

import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.after;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.model.PullId;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How an image comes here while the same one goes. */
class PullPlanTest {
    private static final PullId PULL = new PullId("0".repeat(32));
    private static final String NAME = "docker.io/library/web:1";
    private static final Image IMAGE = Given.image(Given.IMAGE, NAME);

    @ParameterizedTest
    @EnumSource(Pull.Source.class)
    void anImageThatIsOnItsWayOutIsGoneBeforeItComesBack(Pull.Source source) {
        Pull.Resolved what = new Pull.Resolved(
                IMAGE.id(), IMAGE.manifest(), IMAGE.manifest(), IMAGE.configBlob(), IMAGE.config(), List.of());
        Host leaving = after(
                Host.EMPTY,
                new ImageEvent.Stored(new PullId("1".repeat(32)), IMAGE),
                new ImageEvent.RemoveRequested(IMAGE.id()),
                new ImageEvent.PullRequested(PULL, List.of(NAME), Optional.empty(), source, OVERLAY, T0),
                new ImageEvent.Resolved(PULL, what));
        assertThat(new PullPlan(PULL).next(leaving, T0, Set.of())).isEqualTo(Proposal.AWAIT);

        Host gone = after(leaving, new ImageEvent.Removed(IMAGE.id()), new ImageEvent.Resolved(PULL, what));
        assertThat(new PullPlan(PULL).next(gone, T0, Set.of()).says())
                .hasOnlyElementsOfType(ImageEvent.Stored.class)
                .hasSize(1);
    }
}
