package dev.wharf.testkit.journal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/** Stands between a journal and its file calls, whatever their interface is. */
final class Intercepted {
    private Intercepted() {}

    /** Sees each call and decides what becomes of it. */
    interface Hook {
        Object on(Call call) throws Throwable;
    }

    /** One file call. {@code file} is the path given, or the one that the handle was opened with. */
    record Call(String name, Optional<Path> file, Object[] arguments, Object target, Method method) {
        Object proceed() throws Throwable {
            try {
                return method.invoke(target, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }

        /** Whether it changes what is on the disk. */
        boolean changes() {
            return switch (name) {
                case "write", "truncate", "rename", "delete", "makeDirectory" -> true;
                default -> false;
            };
        }

        /** The bytes of a write to a handle. */
        Optional<ByteBuffer> bytes() {
            return name.equals("write") && arguments[0] instanceof ByteBuffer bytes
                    ? Optional.of(bytes)
                    : Optional.empty();
        }
    }

    static <T> T by(Hook hook, Class<T> type, T target) {
        return type.cast(proxy(hook, type, target, Optional.empty()));
    }

    private static Object proxy(Hook hook, Class<?> type, Object target, Optional<Path> opened) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            Object[] given = arguments == null ? new Object[0] : arguments;
            if (method.getDeclaringClass() == Object.class) {
                return method.invoke(target, given);
            }
            if (method.isDefault()) {
                // Its inner calls come by here one by one.
                return InvocationHandler.invokeDefault(proxy, method, given);
            }
            Optional<Path> file = given.length > 0 && given[0] instanceof Path path ? Optional.of(path) : opened;
            method.setAccessible(true);
            Object answer = hook.on(new Call(method.getName(), file, given, target, method));
            Class<?> result = method.getReturnType();
            return answer != null && result.isInterface() && result.getName().startsWith(outermost(type))
                    ? proxy(hook, result, answer, file)
                    : answer;
        };
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler);
    }

    private static String outermost(Class<?> type) {
        return type.getName().split("\\$", 2)[0];
    }
}
