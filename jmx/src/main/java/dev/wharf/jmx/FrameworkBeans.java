package dev.wharf.jmx;

import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.StandardMBean;
import org.apache.aries.jmx.Logger;
import org.apache.aries.jmx.framework.BundleState;
import org.apache.aries.jmx.framework.Framework;
import org.apache.aries.jmx.framework.PackageState;
import org.apache.aries.jmx.framework.StateConfig;
import org.apache.aries.jmx.framework.wiring.BundleWiringState;
import org.apache.aries.jmx.util.ObjectNameUtils;
import org.apache.aries.jmx.util.shared.RegistrableStandardEmitterMBean;
import org.osgi.framework.BundleContext;
import org.osgi.jmx.framework.BundleStateMBean;
import org.osgi.jmx.framework.FrameworkMBean;
import org.osgi.jmx.framework.PackageStateMBean;
import org.osgi.jmx.framework.wiring.BundleWiringStateMBean;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.packageadmin.PackageAdmin;
import org.osgi.service.startlevel.StartLevel;
import org.slf4j.LoggerFactory;

/**
 * Shows the framework and its bundles by the standard beans of OSGi (JMX Management Model, {@code osgi.core}), made by Apache Aries.
 * They come some seconds after the start, which has enough to do without them.
 */
@Component(
        service = {},
        immediate = true)
@SuppressWarnings("deprecation") // Aries speaks with services that newer ones have taken the place of.
public final class FrameworkBeans {
    private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(FrameworkBeans.class);
    private static final long AFTER_START_MILLIS = 8000;

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final Map<ObjectName, Object> beans = new LinkedHashMap<>();
    private final BundleContext context;
    private final PackageAdmin packages;
    private final StartLevel levels;
    private final Thread thread = new Thread(this::show, "wharf-jmx-framework");

    @Activate
    public FrameworkBeans(BundleContext context, @Reference PackageAdmin packages, @Reference StartLevel levels) {
        this.context = context;
        this.packages = packages;
        this.levels = levels;
        thread.setDaemon(true);
        thread.start();
    }

    private void show() {
        try {
            Thread.sleep(AFTER_START_MILLIS);
            // Has nobody to tell: what Aries has to say is who registers which bean.
            Logger silent = new Logger(context);
            show(
                    FrameworkMBean.OBJECTNAME,
                    new StandardMBean(new Framework(context, levels, packages), FrameworkMBean.class));
            show(
                    BundleStateMBean.OBJECTNAME,
                    new RegistrableStandardEmitterMBean(
                            new BundleState(context, packages, levels, new StateConfig(), silent),
                            BundleStateMBean.class));
            show(
                    BundleWiringStateMBean.OBJECTNAME,
                    new StandardMBean(new BundleWiringState(context, silent), BundleWiringStateMBean.class));
            show(
                    PackageStateMBean.OBJECTNAME,
                    new StandardMBean(new PackageState(context, packages), PackageStateMBean.class));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (JMException e) {
            LOG.warn("the framework is not shown reason={}", e.toString());
        }
    }

    private synchronized void show(String name, Object bean) throws JMException {
        if (thread.isInterrupted()) {
            return;
        }
        ObjectName full = new ObjectName(ObjectNameUtils.createFullObjectName(context, name));
        server.registerMBean(bean, full);
        beans.put(full, bean);
    }

    @Deactivate
    synchronized void hide() {
        thread.interrupt();
        for (ObjectName name : beans.keySet()) {
            try {
                server.unregisterMBean(name);
            } catch (JMException e) {
                LOG.warn("cannot be taken away name={}", name, e);
            }
        }
    }
}
