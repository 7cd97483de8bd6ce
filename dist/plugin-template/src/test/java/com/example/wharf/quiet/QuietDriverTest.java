package com.example.wharf.quiet;

import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.testkit.network.TracelessNetworkContract;

class QuietDriverTest extends TracelessNetworkContract {
    @Override
    protected NetworkDriver driver() {
        return new QuietDriver();
    }
}
