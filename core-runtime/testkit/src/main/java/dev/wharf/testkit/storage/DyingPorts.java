package dev.wharf.testkit.storage;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.MountCalls;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Ports that work for a number of calls and then never again, as if the agent had been killed. */
public final class DyingPorts {
    private final AtomicInteger left;

    private DyingPorts(int calls) {
        this.left = new AtomicInteger(calls);
    }

    /** Ports over {@code real} that do the first {@code calls} calls. */
    public static Ports after(int calls, Ports real) {
        DyingPorts dying = new DyingPorts(calls);
        Map<Class<?>, Object> others = new HashMap<>();
        real.others().forEach((type, port) -> others.put(type, dying.wrap(type, port)));
        return new Ports(
                dying.wrap(FileCalls.class, real.files()),
                dying.wrap(Tree.class, real.tree()),
                dying.wrap(MountCalls.class, real.mounts()),
                others);
    }

    private <T> T wrap(Class<T> type, Object real) {
        Object proxy = Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, new Handler(real));
        return type.cast(proxy);
    }

    private final class Handler implements InvocationHandler {
        private final Object real;

        Handler(Object real) {
            this.real = real;
        }

        @Override
        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            // The kernel closes what a dead process had open.
            if (!method.getName().equals("close") && left.getAndDecrement() <= 0) {
                throw new AgentDied();
            }
            Object[] unwrapped = arguments == null ? new Object[0] : arguments.clone();
            for (int i = 0; i < unwrapped.length; i++) {
                if (unwrapped[i] != null
                        && Proxy.isProxyClass(unwrapped[i].getClass())
                        && Proxy.getInvocationHandler(unwrapped[i]) instanceof Handler handler) {
                    unwrapped[i] = handler.real;
                }
            }
            Object result;
            try {
                result = method.invoke(real, unwrapped);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (result instanceof Dir dir) {
                return wrap(Dir.class, dir);
            }
            return result instanceof Dir.Output output ? wrap(Dir.Output.class, output) : result;
        }
    }
}
