package dev.wharf.shell;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

class BundleConverterTest {
    private final Bundle first = bundle(7, "dev.wharf.network.bridge");
    private final Bundle second = bundle(47, "dev.wharf.network.bridge");
    private final BundleConverter converter = new BundleConverter((BundleContext) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {BundleContext.class}, (proxy, method, arguments) ->
                    new Bundle[] {first, second}));

    private static Bundle bundle(long id, String name) {
        return (Bundle) Proxy.newProxyInstance(
                BundleConverterTest.class.getClassLoader(),
                new Class<?>[] {Bundle.class},
                (proxy, method, arguments) -> method.getName().equals("getBundleId") ? id : name);
    }

    @Test
    void aBundleIsFoundByItsNumberOrItsName() {
        assertThat(converter.convert(Bundle.class, "7")).isSameAs(first);
        assertThat(converter.convert(Bundle.class, "dev.wharf.network.bridge")).isSameAs(second);
        assertThat(converter.convert(Bundle.class, "8")).isNull();
        assertThat(converter.convert(String.class, "7")).isNull();
    }
}
