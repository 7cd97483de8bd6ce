/** A storage driver that keeps each snapshot as a whole copy. */
package com.example.wharf.folder;
