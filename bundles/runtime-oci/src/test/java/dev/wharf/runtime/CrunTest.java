package dev.wharf.runtime;

class CrunTest extends OciDriverTest {
    CrunTest() {
        super("crun");
    }
}
