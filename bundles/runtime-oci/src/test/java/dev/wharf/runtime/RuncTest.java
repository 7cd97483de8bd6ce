package dev.wharf.runtime;

class RuncTest extends OciDriverTest {
    RuncTest() {
        super("runc");
    }
}
