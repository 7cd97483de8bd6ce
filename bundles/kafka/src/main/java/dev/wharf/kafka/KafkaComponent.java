package dev.wharf.kafka;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Forms;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes while brokers are named, and follows the settings as they change. Without brokers nothing of Kafka's client is even
 * loaded.
 */
@Component(
        service = {},
        immediate = true,
        configurationPid = "dev.wharf.kafka")
@Designate(ocd = KafkaSettings.class)
public final class KafkaComponent {
    private static final Logger log = LoggerFactory.getLogger(KafkaComponent.class);

    private static final String BEAN = "dev.wharf:type=Kafka";

    private final Agent agent;
    private final AtomicReference<@Nullable Forms> forms = new AtomicReference<>();
    private Optional<Settings> settings = Optional.empty();
    private Optional<AutoCloseable> publisher = Optional.empty();
    private Optional<AutoCloseable> membership = Optional.empty();
    private final BundleContext context;

    @Activate
    public KafkaComponent(@Reference Agent agent, BundleContext context, Map<String, Object> configuration) {
        this.agent = agent;
        this.context = context;
        change(configuration);
    }

    /** Takes a changed configuration: what is under way ends under the old one. */
    @Modified
    public synchronized void change(Map<String, Object> configuration) {
        Settings wanted;
        try {
            wanted = Settings.of(configuration);
        } catch (IllegalArgumentException e) {
            log.error("kafka settings ignored, the former ones stay reason=\"{}\"", e.getMessage());
            return;
        }
        if (settings.equals(Optional.of(wanted))) {
            return;
        }
        boolean was = publisher.isPresent();
        stop();
        settings = Optional.of(wanted);
        if (wanted.isOn()) {
            Gauges gauges = new Gauges();
            show(gauges);
            Publisher made = new Publisher(agent, wanted, gauges, () -> Optional.ofNullable(forms.get()));
            publisher = Optional.of(made);
            made.start();
            membership = Optional.of(new Membership(agent, wanted, context));
        } else if (was) {
            agent.release(Publisher.NAME);
            log.info("publishing to kafka is off");
        }
    }

    /** What is not published stays held until the agent has ended: it goes out the next time. */
    @Deactivate
    public synchronized void stop() {
        membership.ifPresent(KafkaComponent::quietly);
        membership = Optional.empty();
        publisher.ifPresent(p -> {
            try {
                p.close();
                ManagementFactory.getPlatformMBeanServer().unregisterMBean(new ObjectName(BEAN));
            } catch (Exception e) {
                log.warn("kafka publisher left something behind reason={}", e.toString());
            }
        });
        publisher = Optional.empty();
    }

    private static void quietly(AutoCloseable one) {
        try {
            one.close();
        } catch (Exception e) {
            log.warn("something was left behind reason={}", e.toString());
        }
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY,
            unbind = "removeForms")
    void setForms(Forms reader) {
        forms.set(reader);
    }

    void removeForms(Forms reader) {
        forms.compareAndSet(reader, null);
    }

    private static void show(KafkaMXBean gauges) {
        try {
            ManagementFactory.getPlatformMBeanServer().registerMBean(gauges, new ObjectName(BEAN));
        } catch (JMException e) {
            log.warn("kafka gauges cannot be shown reason={}", e.toString());
        }
    }
}
