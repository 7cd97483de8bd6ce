package dev.wharf.log.codec;

import dev.wharf.core.event.Event;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.ExecId;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PortWish;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.SandboxKey;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/** Makes values of every type that stands in an event, by chance; the same seed makes the same value. */
final class Samples {
    private final Random chance;
    private final boolean full;
    private final Map<Type, Function<Random, Object>> special = new LinkedHashMap<>();

    private Samples(Random chance, boolean full) {
        this.chance = chance;
        this.full = full;
        special.put(String.class, r -> word());
        special.put(boolean.class, r -> full || r.nextBoolean());
        special.put(int.class, r -> number());
        special.put(Integer.class, r -> number());
        special.put(long.class, r -> full || r.nextInt(4) > 0 ? 1L + r.nextInt(1 << 30) * 7L : 0L);
        special.put(Instant.class, r -> Instant.ofEpochSecond(1_700_000_000L + r.nextInt(1 << 28), nanos()));
        special.put(Duration.class, r -> Duration.ofSeconds(r.nextInt(3600), full ? 5 : nanos()));
        special.put(Path.class, r -> Path.of("/run/wharf", word(), "x" + word()));
        special.put(Digest.class, r -> Digest.sha256("sample " + r.nextInt()));
        special.put(Signal.class, r -> new Signal(1 + r.nextInt(64)));
        special.put(ContainerId.class, r -> new ContainerId(hex(64)));
        special.put(NetworkId.class, r -> new NetworkId(hex(64)));
        special.put(ExecId.class, r -> new ExecId(hex(64)));
        special.put(PullId.class, r -> new PullId(hex(32)));
        special.put(SandboxKey.class, r -> new SandboxKey(hex(64) + "-" + r.nextInt(9)));
        special.put(ServiceName.class, r -> new ServiceName(identifier()));
        special.put(DocumentKey.class, r -> new DocumentKey("group/" + identifier()));
        special.put(
                ServiceSpec.Update.class,
                r -> new ServiceSpec.Update(
                        1 + r.nextInt(9),
                        full || r.nextBoolean(),
                        Duration.ofSeconds(1 + r.nextInt(60)),
                        Duration.ofMillis(r.nextInt(5000)),
                        1 + r.nextInt(5),
                        full || r.nextBoolean()));
        special.put(Repository.class, r -> Repository.parse("registry.test:5000/team/" + identifier()));
        special.put(
                Reference.class, r -> Reference.parse("registry.test:5000/team/" + identifier() + ":v" + r.nextInt(9)));
        special.put(
                PortWish.class,
                r -> new PortWish(
                        1 + r.nextInt(65535), r.nextBoolean() ? "tcp" : "udp", "127.0.0.1", 8000, 8000 + r.nextInt(9)));
        special.put(
                MountSpec.class,
                r -> new MountSpec(
                        MountSpec.Kind.BIND, "/srv/" + identifier(), "/data/" + identifier(), full, full, map()));
    }

    /** A value with every field set to something that is not its default. */
    static Event full(Class<? extends Event> type) {
        return (Event) new Samples(new Random(type.getSimpleName().hashCode()), true).of(type);
    }

    /** Any value, empty and default fields among them, and text that tries the format. */
    static Event random(Class<? extends Event> type, Random chance) {
        return (Event) new Samples(chance, false).of(type);
    }

    private int number() {
        return full || chance.nextInt(4) > 0 ? 1 + chance.nextInt(1 << 16) : 0;
    }

    private int nanos() {
        return full ? 123_456_789 : chance.nextInt(3) == 0 ? 0 : chance.nextInt(1_000_000_000);
    }

    private Map<String, String> map() {
        return Map.of(identifier(), word());
    }

    private String identifier() {
        return "n" + Integer.toString(chance.nextInt(1 << 20), 36);
    }

    private String word() {
        if (full) {
            return identifier();
        }
        return switch (chance.nextInt(8)) {
            case 0 -> "";
            case 1 -> "with \"quotes\", \\ and /";
            case 2 -> "äöü ☃ \uD83D\uDC33";
            case 3 -> "{\"type\":\"x\"}";
            default -> identifier();
        };
    }

    private String hex(int digits) {
        StringBuilder text = new StringBuilder();
        while (text.length() < digits) {
            text.append("0123456789abcdef".charAt(chance.nextInt(16)));
        }
        return text.toString();
    }

    private Object of(Type type) {
        Function<Random, Object> maker = special.get(type);
        if (maker != null) {
            return maker.apply(chance);
        }
        if (type instanceof ParameterizedType generic) {
            Type[] arguments = generic.getActualTypeArguments();
            Class<?> raw = (Class<?>) generic.getRawType();
            if (raw == Optional.class) {
                return full || chance.nextBoolean() ? Optional.of(of(arguments[0])) : Optional.empty();
            }
            if (raw == List.class) {
                List<Object> list = new ArrayList<>();
                for (int i = full ? 1 : chance.nextInt(3); i > 0; i--) {
                    list.add(of(arguments[0]));
                }
                return list;
            }
            if (raw == Map.class) {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (int i = full ? 1 : chance.nextInt(3); i > 0; i--) {
                    map.put(of(arguments[0]), of(arguments[1]));
                }
                return map;
            }
            return record(raw, arguments);
        }
        Class<?> plain = (Class<?>) type;
        if (plain.isEnum()) {
            Object[] constants = plain.getEnumConstants();
            return constants[full ? constants.length - 1 : chance.nextInt(constants.length)];
        }
        return record(plain, new Type[0]);
    }

    private Object record(Class<?> type, Type[] arguments) {
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] parameters = new Class<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            parameters[i] = components[i].getType();
        }
        for (int tries = 0; ; tries++) {
            Object[] values = new Object[components.length];
            for (int i = 0; i < components.length; i++) {
                values[i] = of(resolve(components[i].getGenericType(), type, arguments));
            }
            try {
                Constructor<?> constructor = type.getDeclaredConstructor(parameters);
                constructor.setAccessible(true);
                return constructor.newInstance(values);
            } catch (InvocationTargetException e) {
                if (tries == 50) {
                    throw new AssertionError(
                            "no sample of " + type.getName() + " among 50; teach Samples to make one", e);
                }
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static Type resolve(Type type, Class<?> owner, Type[] arguments) {
        if (type instanceof TypeVariable<?> variable) {
            return arguments[List.of(owner.getTypeParameters()).indexOf(variable)];
        }
        if (type instanceof ParameterizedType generic
                && List.of(generic.getActualTypeArguments()).stream().anyMatch(TypeVariable.class::isInstance)) {
            Type[] resolved = List.of(generic.getActualTypeArguments()).stream()
                    .map(argument -> resolve(argument, owner, arguments))
                    .toArray(Type[]::new);
            return new ParameterizedType() {
                @Override
                public Type[] getActualTypeArguments() {
                    return resolved;
                }

                @Override
                public Type getRawType() {
                    return generic.getRawType();
                }

                @Override
                public Type getOwnerType() {
                    return generic.getOwnerType();
                }
            };
        }
        return type;
    }
}
