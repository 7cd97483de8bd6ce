# Boots a Debian under systemd in namespaces of its own: the first process of a pid namespace reads this.
# Arguments: the folder to work in, and the folders to stack as its root, the topmost first.
set -eu

work=$1
layers=$2
root=$work/root

mount --make-rprivate /
mkdir -p "$work/upper" "$work/work" "$root" "$work/data"
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$work/upper,workdir=$work/work" "$root"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mknod -m 600 "$root/dev/console" c 5 1 2>/dev/null || ln -s null "$root/dev/console"

# Control groups of its own, in the same arrangement as the host's; the namespace hides what is above them.
if [ -r /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
    for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
        [ -d "/sys/fs/cgroup/$controller" ] || continue
        mkdir "$root/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "$root/sys/fs/cgroup/$controller"
    done
fi

# What a container engine keeps cannot lie on an overlay.
mkdir -p "$root/var/lib/wharf"
mount --bind "$work/data" "$root/var/lib/wharf"

mount --bind "$work/given" "$root/mnt"
cd "$root"
pivot_root . .
umount -l .
exec env -i container=wharf-itest PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target
