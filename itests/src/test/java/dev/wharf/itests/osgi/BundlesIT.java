package dev.wharf.itests.osgi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Agent;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;

/** The bundles that are shipped, in one framework. */
@ExtendWith(InsideFelix.class)
public class BundlesIT {
    @Test
    public void everyBundleResolvesAndStarts() {
        List<String> lame = Arrays.stream(context().getBundles())
                .filter(bundle -> bundle.getState() != (isFragment(bundle) ? Bundle.RESOLVED : Bundle.ACTIVE))
                .map(Bundle::getSymbolicName)
                .toList();

        assertThat(lame).isEmpty();
    }

    private static boolean isFragment(Bundle bundle) {
        return (bundle.adapt(BundleRevision.class).getTypes() & BundleRevision.TYPE_FRAGMENT) != 0;
    }

    @Test
    public void everyComponentOfOursFindsWhatItNeeds() {
        ServiceComponentRuntime components = service(ServiceComponentRuntime.class);

        List<String> waiting = components.getComponentDescriptionDTOs(context().getBundles()).stream()
                .filter(component -> component.bundle.symbolicName.startsWith("dev.wharf."))
                .flatMap(component -> components.getComponentConfigurationDTOs(component).stream())
                .filter(component -> component.state != ComponentConfigurationDTO.ACTIVE
                        && component.state != ComponentConfigurationDTO.SATISFIED)
                .map(component -> component.description.name)
                .toList();

        assertThat(waiting).isEmpty();
    }

    @Test
    public void theLoopIsNobodysBusiness() {
        Bundle core = bundle("dev.wharf.core");

        assertThat(core.adapt(BundleWiring.class).getCapabilities("osgi.wiring.package"))
                .extracting(capability -> capability.getAttributes().get("osgi.wiring.package"))
                .contains("dev.wharf.core.agent", "dev.wharf.core.state")
                .doesNotContain("dev.wharf.core.loop");
    }

    @Test
    public void theJournalKnowsAStorageDriverThatGoesAndComesBack() throws Exception {
        goesAndComesBack("dev.wharf.storage.overlay", "storage/overlay");
    }

    @Test
    public void theJournalKnowsANetworkDriverThatGoesAndComesBack() throws Exception {
        goesAndComesBack("dev.wharf.network.bridge", "network/bridge");
    }

    @Test
    public void theJournalKnowsARegistryThatGoesAndComesBack() throws Exception {
        goesAndComesBack("dev.wharf.registry.distribution", "registry/distribution");
    }

    private static void goesAndComesBack(String symbolicName, String driver) throws BundleException {
        Bundle bundle = bundle(symbolicName);
        await(() -> serves(driver));

        bundle.stop();
        await(() -> !serves(driver));

        bundle.start();
        await(() -> serves(driver));
    }

    /** What the folded journal says, not what the framework happens to hold. */
    private static boolean serves(String name) {
        return service(Agent.class).host().drivers().values().stream()
                .filter(driver -> driver.id().value().equals(name))
                .anyMatch(driver -> driver.serving().isPresent());
    }

    /** Asked for anew each time, since an object of this class is also made outside the framework, where there is none. */
    private static BundleContext context() {
        return FrameworkUtil.getBundle(BundlesIT.class).getBundleContext();
    }

    private static Bundle bundle(String name) {
        return Arrays.stream(context().getBundles())
                .filter(bundle -> name.equals(bundle.getSymbolicName()))
                .findFirst()
                .orElseThrow();
    }

    private static <S> S service(Class<S> type) {
        await(() -> context().getServiceReference(type) != null);
        return context().getService(context().getServiceReference(type));
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw new AssertionError("not so within a minute");
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
    }
}
