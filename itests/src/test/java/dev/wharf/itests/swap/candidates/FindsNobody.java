package dev.wharf.itests.swap.candidates;

import dev.wharf.spi.network.NetworkDriver;
import org.osgi.service.component.annotations.Component;

/** Would serve, and finds none of the endpoints that are there. */
@Component(
        service = NetworkDriver.class,
        property = {"wharf.name=bridge", "service.ranking:Integer=500"})
public class FindsNobody extends Joints {}
