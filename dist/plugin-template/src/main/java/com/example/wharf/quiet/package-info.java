/** A network mode without a network. */
package com.example.wharf.quiet;
