package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ImageId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.VolumeName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps a bean registered for everything that is on the host, and for nothing else. One thread at a time. */
final class Exhibits implements AutoCloseable {
    static final String DOMAIN = "dev.wharf";

    private static final Logger LOG = LoggerFactory.getLogger(Exhibits.class);

    private final MBeanServer server;
    private final Agent agent;
    private final Orders orders;
    private final Glance<Candidate> candidates;
    private final Map<ObjectName, Object> shown = new HashMap<>();
    private final Map<ObjectName, Object> containers = new HashMap<>();

    Exhibits(MBeanServer server, Agent agent) {
        this.server = server;
        this.agent = agent;
        this.orders = new Orders(agent);
        this.candidates = new Glance<>(() -> agent.fleet().candidates());
    }

    /** Brings what is registered in line with the host. */
    void settle(Host host, List<Candidate> drivers) {
        settle(host);
        Map<ObjectName, Supplier<Object>> wanted = new HashMap<>();
        Map<ObjectName, Object> keys = new HashMap<>();
        for (ImageId id : host.images().keySet()) {
            want(wanted, keys, name("Image", "id", id.toString()), id, () -> new ImageBean(agent, id));
        }
        for (Network n : host.networks().values()) {
            want(
                    wanted,
                    keys,
                    name("Network", "name", n.spec().name()),
                    n.id(),
                    () -> new NetworkBean(agent, n.id(), n));
        }
        for (VolumeName v : host.volumes().keySet()) {
            want(wanted, keys, name("Volume", "name", v.value()), v, () -> new VolumeBean(agent, v));
        }
        for (Candidate d : drivers) {
            ObjectName name = driver(d);
            want(wanted, keys, name, name, () -> new DriverBean(agent, orders, candidates, d));
        }
        settle(shown, wanted, keys);
    }

    /** The same for containers alone. One of another id under the same name gets a bean of its own. */
    private void settle(Host host) {
        Map<ObjectName, Supplier<Object>> wanted = new HashMap<>();
        Map<ObjectName, Object> keys = new HashMap<>();
        for (Container c : host.containers().values()) {
            want(wanted, keys, name("Container", "name", c.name()), c.id(), () -> new ContainerBean(agent, orders, c));
        }
        settle(containers, wanted, keys);
    }

    private void settle(
            Map<ObjectName, Object> now, Map<ObjectName, Supplier<Object>> wanted, Map<ObjectName, Object> keys) {
        for (ObjectName name : List.copyOf(now.keySet())) {
            Object key = keys.get(name);
            if (key == null || !key.equals(now.get(name))) {
                hide(now, name);
            }
        }
        wanted.forEach((name, bean) -> {
            if (!now.containsKey(name)) {
                show(now, name, keys.getOrDefault(name, name), bean.get());
            }
        });
    }

    /** The same for one image that came or went. */
    void settle(Host host, ImageId image) {
        ObjectName name = name("Image", "id", image.toString());
        boolean wanted = host.images().containsKey(image);
        if (wanted && !shown.containsKey(name)) {
            show(shown, name, image, new ImageBean(agent, image));
        } else if (!wanted && shown.containsKey(name)) {
            hide(shown, name);
        }
    }

    private static void want(
            Map<ObjectName, Supplier<Object>> wanted,
            Map<ObjectName, Object> keys,
            ObjectName name,
            Object key,
            Supplier<Object> bean) {
        wanted.put(name, bean);
        keys.put(name, key);
    }

    private static ObjectName driver(Candidate candidate) {
        return name(
                DOMAIN + ":type=Driver,kind=" + candidate.driver().driverKind().word() + ",name="
                        + ObjectName.quote(candidate.driver().name().value()) + ",implementation="
                        + ObjectName.quote(candidate.implementation()));
    }

    private static ObjectName name(String type, String key, String value) {
        return name(DOMAIN + ":type=" + type + "," + key + "=" + ObjectName.quote(value));
    }

    static ObjectName name(String text) {
        try {
            return new ObjectName(text);
        } catch (JMException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private void show(Map<ObjectName, Object> now, ObjectName name, Object key, Object bean) {
        try {
            server.registerMBean(bean, name);
            now.put(name, key);
        } catch (JMException e) {
            LOG.warn("cannot be shown name={}", name, e);
        }
    }

    private void hide(Map<ObjectName, Object> now, ObjectName name) {
        now.remove(name);
        try {
            server.unregisterMBean(name);
        } catch (InstanceNotFoundException e) {
            LOG.debug("somebody else took it away name={}", name);
        } catch (JMException e) {
            LOG.warn("cannot be taken away name={}", name, e);
        }
    }

    @Override
    public void close() {
        List.copyOf(shown.keySet()).forEach(name -> hide(shown, name));
        List.copyOf(containers.keySet()).forEach(name -> hide(containers, name));
    }

    /** An image as it stands. */
    private record ImageBean(Agent agent, ImageId id) implements ImageMXBean {
        @Override
        public String getId() {
            return id.toString();
        }

        @Override
        public String[] getReferences() {
            return agent.host()
                    .image(id)
                    .map(i -> i.references().toArray(String[]::new))
                    .orElseGet(() -> new String[0]);
        }

        @Override
        public long getSizeBytes() {
            return agent.host().image(id).map(Image::sizeBytes).orElse(0L);
        }

        @Override
        public int getLayers() {
            return agent.host().image(id).map(i -> i.layers().size()).orElse(0);
        }

        @Override
        public String getStoredAt() {
            return agent.host().image(id).map(i -> i.storedAt().toString()).orElse("");
        }

        @Override
        public int getContainers() {
            return agent.host().usersOf(id).size();
        }
    }

    /** A network as it stands; what was chosen when it was made never changes. */
    private record NetworkBean(Agent agent, NetworkId id, Network made) implements NetworkMXBean {
        @Override
        public String getId() {
            return id.value();
        }

        @Override
        public String getName() {
            return made.spec().name();
        }

        @Override
        public String getDriver() {
            return made.spec().driver().value();
        }

        @Override
        public boolean isInternal() {
            return made.spec().internal();
        }

        @Override
        public String[] getSubnets() {
            return made.spec().pools().stream().map(pool -> pool.subnet()).toArray(String[]::new);
        }

        @Override
        public String[] getContainers() {
            return names(agent.host().usersOf(id));
        }
    }

    /** A volume as it stands. */
    private record VolumeBean(Agent agent, VolumeName volume) implements VolumeMXBean {
        @Override
        public String getName() {
            return volume.value();
        }

        @Override
        public String getCreatedAt() {
            return agent.host()
                    .volume(volume)
                    .map(Volume::createdAt)
                    .map(Object::toString)
                    .orElse("");
        }

        @Override
        public String[] getContainers() {
            return names(agent.host().usersOf(volume));
        }
    }

    private static String[] names(List<Container> containers) {
        return containers.stream().map(Container::name).sorted().toArray(String[]::new);
    }
}
