/** Breaks every rule on purpose, so that the tests can show that the rules do find what they look for. */
package dev.wharf.itests.architecture.planted;
