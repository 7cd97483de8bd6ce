package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.time.Instant;
import javax.management.JMException;
import javax.management.ObjectName;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows the agent to the platform's MBean server for as long as it is there. */
@Component(
        service = {},
        immediate = true)
public final class JmxComponent {
    static final String NAME = "dev.wharf:type=Agent";

    private static final Logger LOG = LoggerFactory.getLogger(JmxComponent.class);

    @Activate
    public JmxComponent(BundleContext context, @Reference Agent agent) throws JMException {
        String version = context.getProperty("wharf.version");
        Instant startedAt =
                Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime());
        show(new AgentBean(agent, version == null ? "unknown" : version, startedAt, Clock.systemUTC()));
    }

    static void show(AgentMXBean bean) throws JMException {
        ManagementFactory.getPlatformMBeanServer().registerMBean(bean, new ObjectName(NAME));
    }

    @Deactivate
    void hide() {
        try {
            ManagementFactory.getPlatformMBeanServer().unregisterMBean(new ObjectName(NAME));
        } catch (JMException e) {
            LOG.warn("mbean left behind name={} reason={}", NAME, e.getMessage());
        }
    }
}
