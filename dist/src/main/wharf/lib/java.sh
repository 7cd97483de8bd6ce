# Sourced by the commands in bin, with their name in $me and this installation's folder in $home: finds Java as $java and
# its version, such as 17, as $java_version. Every JDK has a file that names its version, which saves starting a JVM to ask.

if [ -n "${JAVA_HOME:-}" ]; then
    java=$JAVA_HOME/bin/java
else
    java=$(command -v java) || java=none
fi
if [ ! -x "$java" ]; then
    echo "$me: no Java found; install a Java 17 runtime or newer (on Debian: openjdk-17-jre-headless) or set JAVA_HOME" >&2
    exit 1
fi

java=$(readlink -f -- "$java")
java_version=17
if [ -r "${java%/bin/java}/release" ]; then
    while IFS== read -r java_key java_value; do
        [ "$java_key" = JAVA_VERSION ] || continue
        java_value=${java_value#\"}
        java_version=${java_value%%[!0-9]*}
    done < "${java%/bin/java}/release"
fi
if [ "$java_version" -lt 17 ]; then
    echo "$me: $java is Java $java_version; Wharf needs Java 17 or newer (set JAVA_HOME)" >&2
    exit 1
fi

# Java takes the names of files for what the locale says, for ASCII where nobody set one, as in many a service. In images,
# volumes and builds they are UTF-8 wherever they come from.
export LC_ALL=C.UTF-8

# What both JVMs are told: no parallel collector, the quick compiler, nothing shared with tools that look at JVMs (the daemon
# changes its mind about that). The archive of classes is made by wharf-install-cds, one for each Java. Without it, or with one
# that fits no more, the start only takes a little longer, so there is nothing to warn of. It is mapped where it was made for:
# anywhere else all of its pages are written to, and 12 MiB are the process's own that otherwise only lie in the page cache.
java_flags="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0"
if [ -r "$home/lib/$me-$java_version.jsa" ] && [ -z "${WHARF_NO_CDS:-}" ]; then
    java_flags="$java_flags -Xlog:cds=off -Xlog:cds+dynamic=off"
    java_archive=-XX:SharedArchiveFile=$home/lib/$me-$java_version.jsa
else
    java_archive=-Xshare:auto
fi
