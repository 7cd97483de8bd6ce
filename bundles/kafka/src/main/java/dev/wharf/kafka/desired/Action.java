package dev.wharf.kafka.desired;

import dev.wharf.core.command.DesiredCommand;
import dev.wharf.core.state.Service;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.DesiredVolume;
import dev.wharf.model.NetworkId;
import dev.wharf.model.ServiceName;

/** One thing to do for desired state. Two actions with the same key are the same wish, and only one of them is under way. */
sealed interface Action {
    String key();

    /** Fetches an image. */
    record Pull(ServiceName service, String image) implements Action {
        @Override
        public String key() {
            return "pull " + image;
        }
    }

    /** Makes a replica; starting it is the next action. */
    record Make(Service.Version version, int replica) implements Action {
        @Override
        public String key() {
            return "make " + name();
        }

        /** What the container is called: versions stand side by side while one takes the other's place. */
        String name() {
            return version.spec().name() + "-" + replica + "-" + version.id().substring(0, 6);
        }
    }

    record Start(ContainerId container, int replica) implements Action {
        @Override
        public String key() {
            return "start " + container;
        }
    }

    record Resume(ContainerId container) implements Action {
        @Override
        public String key() {
            return "resume " + container;
        }
    }

    /** Stops a replica with the time it may take. */
    record Stop(ContainerId container) implements Action {
        @Override
        public String key() {
            return "stop " + container;
        }
    }

    record Remove(ContainerId container) implements Action {
        @Override
        public String key() {
            return "remove " + container;
        }
    }

    record MakeNetwork(DesiredNetwork network) implements Action {
        @Override
        public String key() {
            return "network " + network.name();
        }
    }

    record RemoveNetwork(NetworkId network) implements Action {
        @Override
        public String key() {
            return "remove network " + network;
        }
    }

    record MakeVolume(DesiredVolume volume) implements Action {
        @Override
        public String key() {
            return "volume " + volume.name();
        }
    }

    /** Writes down what was seen. */
    record Note(DesiredCommand command) implements Action {
        @Override
        public String key() {
            return "note " + command;
        }
    }
}
