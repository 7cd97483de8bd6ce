package dev.wharf.kafka;

/** How publishing is doing, as JMX shows it. Written by the publisher's thread alone. */
final class Gauges implements KafkaMXBean {
    private volatile String state = "connecting";
    private volatile String trouble = "";
    private volatile long position = -1;
    private volatile long lag = -1;
    private volatile long events;
    private volatile long transactions;
    private volatile long commands;

    void state(String now) {
        state = now;
        if (now.equals("publishing")) {
            trouble = "";
        }
    }

    void trouble(String now, String why) {
        trouble = why;
        state = now;
    }

    void at(long now) {
        position = now;
    }

    void lag(long now) {
        lag = now;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    void committed(int published) {
        events += published;
        transactions++;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    void answered(int answers) {
        commands += answers;
    }

    @Override
    public String getState() {
        return state;
    }

    @Override
    public String getTrouble() {
        return trouble;
    }

    @Override
    public long getPosition() {
        return position;
    }

    @Override
    public long getLag() {
        return lag;
    }

    @Override
    public long getEvents() {
        return events;
    }

    @Override
    public long getTransactions() {
        return transactions;
    }

    @Override
    public long getCommands() {
        return commands;
    }
}
