# Sourced by dist/quickstart and itests/verify, with their name in $me: finds out which Debian packages are missing, says
# what each is for, and installs them. Nothing is asked of the package manager when nothing is missing.

wanted=

# need PACKAGE WHY...: notes a package that is not installed.
need() {
    package=$1
    shift
    case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *)
            printf '  %-24s %s\n' "$package" "$*"
            wanted="$wanted $package"
            ;;
    esac
}

# need_command COMMAND PACKAGE WHY...: the same, where the command may just as well have come from elsewhere.
need_command() {
    command=$1
    shift
    command -v "$command" >/dev/null 2>&1 || need "$@"
}

require_root() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "$me: must run as root, because containers need mounts and namespaces; try: sudo $0" >&2
        exit 1
    fi
}

require_debian() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "$me: no apt-get here; on systems other than Debian and Ubuntu install these by hand: $*" >&2
        exit 1
    fi
}

# A JDK of 17 or newer and Maven: either may have been installed by other means than packages.
need_build_tools() {
    need_command javac openjdk-17-jdk-headless "compiles Wharf, and runs it"
    need_command mvn maven "builds Wharf"
}

# What every container of Wharf's needs.
need_runtime() {
    need crun "makes containers"
    need conmon "one for each container: holds its streams and keeps its exit status"
    need libnftables1 "firewall rules for networks and published ports, without a process for each"
}

install_wanted() {
    [ -n "$wanted" ] || return 0
    require_debian "$wanted"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of packages
    if ! apt-get install -y -q --no-install-recommends $wanted >"$1" 2>&1; then
        # The package lists may be missing or old; that is worth one more try.
        if ! apt-get update -q >>"$1" 2>&1 || ! apt-get install -y -q --no-install-recommends $wanted >>"$1" 2>&1; then
            echo "$me: cannot install$wanted; the package manager says:" >&2
            tail -n 5 "$1" >&2
            exit 1
        fi
    fi
    wanted=
}
