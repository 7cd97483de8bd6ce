package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Jobs;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows the scheduler's jobs for as long as somebody has them. */
@Component(
        service = {},
        immediate = true)
public final class JobsComponent {
    private static final Logger LOG = LoggerFactory.getLogger(JobsComponent.class);

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final List<ObjectName> shown = new ArrayList<>();

    @Activate
    public JobsComponent(@Reference Agent agent, @Reference Jobs jobs) throws JMException {
        Glance<Jobs.Standing> all = new Glance<>(jobs::all);
        for (Jobs.Standing job : jobs.all()) {
            ObjectName name = Exhibits.name(Exhibits.DOMAIN + ":type=Job,name=" + ObjectName.quote(job.name()));
            server.registerMBean(new JobBean(agent, jobs, all, job), name);
            shown.add(name);
        }
    }

    @Deactivate
    void hide() {
        for (ObjectName name : shown) {
            try {
                server.unregisterMBean(name);
            } catch (JMException e) {
                LOG.warn("cannot be taken away name={}", name, e);
            }
        }
    }
}
