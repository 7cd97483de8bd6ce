package dev.wharf.engine.http;

import dev.wharf.core.agent.Agent;
import java.lang.reflect.Proxy;

/** An agent that is only there. */
final class TestAgents {
    private TestAgents() {}

    static Agent none() {
        return (Agent) Proxy.newProxyInstance(
                Agent.class.getClassLoader(), new Class<?>[] {Agent.class}, (proxy, method, arguments) -> {
                    if (method.getDeclaringClass() == Object.class) {
                        return method.getName().equals("equals") ? (Object) (proxy == arguments[0]) : (Object) 1;
                    }
                    throw new UnsupportedOperationException(method.getName());
                });
    }
}
