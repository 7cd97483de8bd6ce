package dev.wharf.engine.containers;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Forms;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.Refusal;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Docker's bodies for those who do not come by HTTP. */
@Component(service = Forms.class)
public final class DockerForms implements Forms {
    private final Agent agent;

    @Activate
    public DockerForms(@Reference Agent agent) {
        this.agent = agent;
    }

    @Override
    public ContainerSpec container(ContainerId id, byte[] body, Entropy entropy) throws RefusedException {
        try {
            return new Creation(agent.host(), id, Body.parse(body), entropy).spec();
        } catch (Problem e) {
            throw new RefusedException(new Refusal(kind(e.status()), e.message()));
        }
    }

    private static Refusal.Kind kind(int status) {
        return switch (status) {
            case 404 -> Refusal.Kind.MISSING;
            case 409 -> Refusal.Kind.CONFLICT;
            case 501 -> Refusal.Kind.UNSUPPORTED;
            case 503 -> Refusal.Kind.UNAVAILABLE;
            default -> Refusal.Kind.INVALID;
        };
    }
}
