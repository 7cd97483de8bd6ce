package dev.wharf.core.loop;

import dev.wharf.core.agent.Tracing;
import dev.wharf.spi.DriverException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A port whose every call is told of while somebody traces. */
final class Overheard {
    private Overheard() {}

    /** @param begin what a call of a method by this name is told as */
    static <P> P of(Class<P> port, P tool, Function<String, Tracing.Work> begin) {
        return port.cast(Proxy.newProxyInstance(
                port.getClassLoader(),
                new Class<?>[] {port},
                (proxy, method, values) -> call(tool, method, values, begin)));
    }

    private static @Nullable Object call(
            Object tool, Method method, @Nullable Object @Nullable [] values, Function<String, Tracing.Work> begin)
            throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            return method.invoke(tool, values);
        }
        try (Tracing.Work span = begin.apply(method.getName())) {
            try {
                return method.invoke(tool, values);
            } catch (InvocationTargetException e) {
                span.failed(
                        e.getCause() instanceof DriverException failed
                                ? failed.failure().message()
                                : String.valueOf(e.getCause()));
                throw e.getTargetException();
            }
        }
    }
}
