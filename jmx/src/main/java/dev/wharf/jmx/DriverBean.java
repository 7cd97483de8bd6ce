package dev.wharf.jmx;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet.Calls;
import dev.wharf.core.agent.Fleet.Candidate;
import java.util.Locale;
import java.util.Map;

/** Reads one implementation of a driver as it stands. */
final class DriverBean implements DriverMXBean {
    private final Agent agent;
    private final Orders orders;
    private final Glance<Candidate> all;
    private final Candidate last;

    DriverBean(Agent agent, Orders orders, Glance<Candidate> all, Candidate last) {
        this.agent = agent;
        this.orders = orders;
        this.all = all;
        this.last = last;
    }

    private Candidate now() {
        return all.now().stream()
                .filter(c ->
                        c.driver().equals(last.driver()) && c.implementation().equals(last.implementation()))
                .findFirst()
                .orElse(last);
    }

    @Override
    public String getKind() {
        return last.driver().driverKind().word();
    }

    @Override
    public String getName() {
        return last.driver().name().value();
    }

    @Override
    public String getImplementation() {
        return last.implementation();
    }

    @Override
    public int getRank() {
        return now().rank();
    }

    @Override
    public String getStanding() {
        return word(now());
    }

    @Override
    public String getWhy() {
        return now().why();
    }

    @Override
    public int getCallsInside() {
        return now().inside();
    }

    private Calls calls() {
        return agent.fleet().calls(last.driver(), last.implementation());
    }

    @Override
    public long getCalls() {
        return calls().times().count();
    }

    @Override
    public long getFailures() {
        return calls().failures();
    }

    @Override
    public Map<String, Long> getTimes() {
        return AgentBean.figures(calls().times());
    }

    @Override
    public String[] probe() {
        return agent.fleet().probe(last.driver()).stream()
                .map(c -> c.implementation() + ": " + word(c) + (c.why().isEmpty() ? "" : ", " + c.why()))
                .toArray(String[]::new);
    }

    @Override
    public long swap() {
        orders.ask(cause -> agent.fleet().swap(last.driver(), last.implementation(), cause));
        return agent.position().sequence();
    }

    @Override
    public long rollBack() {
        orders.ask(cause -> agent.fleet().rollBack(last.driver(), cause));
        return agent.position().sequence();
    }

    private static String word(Candidate candidate) {
        return candidate.standing().name().toLowerCase(Locale.ROOT);
    }
}
