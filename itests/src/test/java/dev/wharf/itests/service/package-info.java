/** The agent as a service among others: started by a manager, installed from its package, looked after by its operator. */
@NullMarked
package dev.wharf.itests.service;

import org.jspecify.annotations.NullMarked;
