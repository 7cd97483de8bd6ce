package dev.wharf.core.agent;

import dev.wharf.core.command.Entropy;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;

/** Reads what people fill in to say what they want, for whoever brings it here: the words of Docker's API. */
public interface Forms {
    /** A container's whole specification from the body of {@code POST /containers/create}, as UTF-8 JSON. */
    ContainerSpec container(ContainerId id, byte[] body, Entropy entropy) throws RefusedException;
}
