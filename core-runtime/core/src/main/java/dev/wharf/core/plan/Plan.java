package dev.wharf.core.plan;

import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.DriverId;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PullId;
import dev.wharf.model.ServiceName;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import java.time.Instant;
import java.util.Set;

/** Says what should happen next for one subject: a pure function from the host and the time. */
public interface Plan {
    /**
     * What to do now.
     *
     * @param busy the rungs of this subject that a step is working on
     */
    Proposal next(Host host, Instant now, Set<String> busy);

    /** The plan of a subject; one that the host no longer knows has nothing to do. */
    static Plan of(SubjectId subject) {
        if (subject instanceof ContainerId id) {
            return new ContainerPlan(id);
        }
        if (subject instanceof LayerId id) {
            return new LayerPlan(id);
        }
        if (subject instanceof PullId id) {
            return new PullPlan(id);
        }
        if (subject instanceof ImageId id) {
            return new ImagePlan(id);
        }
        if (subject instanceof NetworkId id) {
            return new NetworkPlan(id);
        }
        if (subject instanceof VolumeName name) {
            return new VolumePlan(name);
        }
        if (subject instanceof SubjectId.HostItself) {
            return new HostPlan();
        }
        if (subject instanceof DriverId || subject instanceof ServiceName || subject instanceof DocumentKey) {
            return (host, now, busy) -> Proposal.REST;
        }
        throw new IllegalStateException("no plan for " + subject);
    }
}
