package com.example.inventory;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where one image runs: its containers by host and id. */
record Inventory(Map<String, Map<String, Container>> hosts) {
    /** A container and when it was started. */
    record Container(String name, Instant since) {}

    static Inventory empty() {
        return new Inventory(Map.of());
    }

    Inventory with(Running running) {
        Map<String, Map<String, Container>> all = copy();
        all.computeIfAbsent(running.host(), host -> new TreeMap<>())
                .put(running.id(), new Container(running.name(), running.since()));
        return new Inventory(all);
    }

    Inventory without(Running running) {
        Map<String, Map<String, Container>> all = copy();
        all.computeIfPresent(running.host(), (host, containers) -> {
            containers.remove(running.id());
            return containers.isEmpty() ? null : containers;
        });
        return new Inventory(all);
    }

    private Map<String, Map<String, Container>> copy() {
        Map<String, Map<String, Container>> all = new TreeMap<>();
        hosts.forEach((host, containers) -> all.put(host, new TreeMap<>(containers)));
        return all;
    }

    /** Since when a host runs it. */
    Instant since(String host) {
        return hosts.get(host).values().stream()
                .map(Container::since)
                .min(Instant::compareTo)
                .orElseThrow();
    }

    String inWords() {
        return hosts.keySet().stream()
                .map(host -> host + " since " + since(host) + " (" + hosts.get(host).size() + ")")
                .collect(Collectors.joining(", ", "on ", ""));
    }
}
