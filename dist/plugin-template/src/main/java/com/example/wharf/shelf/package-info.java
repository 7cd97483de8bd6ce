/** A registry backend that serves OCI layouts in a folder. */
package com.example.wharf.shelf;
