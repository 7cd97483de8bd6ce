"""The Python library, both its faces, against the engine of DOCKER_HOST. Every test cleans up behind itself."""

import contextlib
import io
import os
import socket
import struct
import tarfile
import threading
import time
import unittest

import docker
import websocket
from docker import errors, types, utils
from docker.utils import socket as streams

REGISTRY = os.environ.get("REGISTRY", "")


def archive(name, data, mode=0o644):
    """A tar with one file in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        info.mode = mode
        tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def eventually(condition, seconds=15):
    deadline = time.time() + seconds
    while not condition():
        if time.time() > deadline:
            raise AssertionError("it never came to that")
        time.sleep(0.05)


@contextlib.contextmanager
def over_tcp(host):
    """A port of loopback that leads to a unix socket, for what the library does over TCP only."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(host[len("unix://"):])
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield "tcp://127.0.0.1:%d" % listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


class WithEngine(unittest.TestCase):
    def setUp(self):
        self.client = docker.from_env(timeout=30)
        self.api = self.client.api
        self.addCleanup(self.client.close)
        self.addCleanup(self.sweep)

    def sweep(self):
        for container in self.client.containers.list(all=True):
            container.remove(force=True, v=True)
        # Those made of the settings of others came after them.
        for network in reversed(self.client.networks.list(filters={"type": "custom"})):
            network.remove()
        for volume in self.client.volumes.list():
            volume.remove(force=True)

    def up(self, command="sleep 1000", **more):
        return self.client.containers.run("busybox", command, detach=True, **more)


class Engine(WithEngine):
    def test_it_tells_what_it_is(self):
        self.assertTrue(self.client.ping())
        version = self.client.version()
        for key in ("ApiVersion", "Version", "Os", "Arch", "KernelVersion", "GoVersion", "Components"):
            self.assertIn(key, version)
        info = self.client.info()
        self.assertEqual("linux", info["OSType"])
        self.assertLessEqual(1, info["Images"])
        self.assertEqual(utils.version_lt("1.21", version["ApiVersion"]), True)

    def test_each_version_of_the_api_is_spoken(self):
        for version in ("1.25", "1.30", "1.41", "1.44"):
            with docker.DockerClient(base_url=os.environ["DOCKER_HOST"], version=version).api as api:
                self.assertEqual([], api.containers())
                self.assertIsInstance(api.df()["Images"], list)
        with docker.DockerClient(base_url=os.environ["DOCKER_HOST"], version="9.99").api as api:
            with self.assertRaises(errors.APIError) as refused:
                api.containers()
            self.assertEqual(400, refused.exception.status_code)

    def test_errors_are_told_apart(self):
        with self.assertRaises(errors.NotFound):
            self.client.containers.get("nobody")
        with self.assertRaises(errors.ImageNotFound):
            self.client.images.get("nothing")
        with self.assertRaises(errors.ImageNotFound):
            self.api.create_container("nothing:1", "true")
        with self.assertRaises(errors.NotFound):
            self.client.networks.get("nowhere")
        with self.assertRaises(errors.NotFound):
            self.client.volumes.get("none")
        with self.assertRaises(errors.APIError) as refused:
            self.api.create_container("busybox", "true", name="/bad/name")
        self.assertTrue(refused.exception.is_client_error())
        self.assertIn("Invalid container name", refused.exception.explanation)

    def test_disk_use_and_prunes(self):
        done = self.client.containers.run("busybox", "sh -c 'head -c 50000 /dev/zero > /f'", detach=True)
        done.wait()
        self.client.volumes.create("spare")
        self.client.networks.create("spare")
        use = self.client.df()
        self.assertEqual(1, len(use["Containers"]))
        self.assertGreater(use["LayersSize"], 0)
        pruned = self.client.containers.prune()
        self.assertEqual([done.id], pruned["ContainersDeleted"])
        self.assertGreaterEqual(pruned["SpaceReclaimed"], 50000)
        self.assertEqual(["spare"], self.client.networks.prune()["NetworksDeleted"])
        self.client.volumes.prune(filters={"all": True})
        self.assertEqual([], self.client.volumes.prune()["VolumesDeleted"])
        self.assertEqual([], self.client.volumes.list())
        self.client.images.prune()
        self.assertIsNone(self.client.images.prune()["ImagesDeleted"])

    def test_events_come_with_filters_and_from_the_past(self):
        since = int(time.time()) - 1
        seen = []
        stream = self.client.events(decode=True, filters={"type": "container", "event": ["create", "destroy"]})

        def listen():
            for event in stream:
                seen.append(event)

        listener = threading.Thread(target=listen)
        listener.start()
        container = self.client.containers.create("busybox", "true", labels={"l": "m"})
        container.start()
        container.wait()
        container.remove()
        eventually(lambda: len(seen) == 2)
        stream.close()
        listener.join(10)
        self.assertFalse(listener.is_alive())
        self.assertEqual(["create", "destroy"], [event["Action"] for event in seen])
        self.assertEqual("m", seen[0]["Actor"]["Attributes"]["l"])
        self.assertEqual("busybox", seen[0]["from"])
        past = list(self.client.events(decode=True, since=since, until=int(time.time()) + 1,
                                       filters={"container": container.id}))
        self.assertEqual(["create", "start", "die", "destroy"], [event["Action"] for event in past])

    def test_login_needs_a_registry_that_is_there(self):
        with self.assertRaises(errors.APIError):
            self.client.login("user", "wrong", registry="http://127.0.0.1:1/")


class Containers(WithEngine):
    def test_run_answers_what_was_said(self):
        self.assertEqual(b"hello\n", self.client.containers.run("busybox", "echo hello", remove=True))
        both = self.client.containers.run("busybox", ["sh", "-c", "echo out; echo err >&2"], stderr=True, remove=True)
        self.assertEqual({b"out", b"err"}, set(both.split()))
        lines = self.client.containers.run("busybox", "seq 3", stream=True)
        self.assertEqual(b"1\n2\n3\n", b"".join(lines))
        with self.assertRaises(errors.ContainerError) as failed:
            self.client.containers.run("busybox", ["sh", "-c", "echo sorry >&2; exit 4"], remove=True)
        self.assertEqual(4, failed.exception.exit_status)
        self.assertIn(b"sorry", failed.exception.stderr)
        with self.assertRaises(errors.APIError) as failed:
            self.client.containers.run("busybox", "no-such-program", remove=True)
        self.assertEqual(400, failed.exception.status_code)

    def test_life(self):
        container = self.client.containers.create("busybox", "sleep 1000", name="life", tty=True, stdin_open=True,
                                                  environment={"A": "1"}, labels=["plain"], hostname="h")
        self.assertEqual("created", container.status)
        container.start()
        container.reload()
        self.assertEqual("running", container.status)
        self.assertEqual("life", container.name)
        self.assertIn("A=1", container.attrs["Config"]["Env"])
        self.assertEqual({"plain": "", "org.wharf.test": "busybox"}, container.labels)
        container.pause()
        container.reload()
        self.assertEqual("paused", container.status)
        container.unpause()
        container.rename("other")
        container.reload()
        self.assertEqual("other", container.name)
        container.restart(timeout=0)
        container.resize(40, 120)
        self.assertEqual(b"40 120", container.exec_run("sh -c 'stty size < /proc/1/fd/0'").output.strip())
        container.kill("SIGUSR1")
        container.kill()
        self.assertEqual(137, container.wait()["StatusCode"])
        container.start()
        container.stop(timeout=0)
        container.reload()
        self.assertEqual("exited", container.status)
        container.remove()
        with self.assertRaises(errors.NotFound):
            container.reload()

    def test_every_kind_of_setting_is_kept(self):
        created = self.api.create_container(
            "busybox", ["sleep", "1000"], user="nobody", working_dir="/tmp", domainname="example.org", ports=[80, (53, "udp")],
            volumes=["/data"], stop_signal="SIGINT", healthcheck={"test": ["CMD", "true"], "interval": 10 ** 9},
            host_config=self.api.create_host_config(
                binds={"/tmp": {"bind": "/mnt/tmp", "mode": "ro"}}, port_bindings={80: None, "53/udp": ("127.0.0.1",)},
                cap_add=["NET_ADMIN"], cap_drop=["MKNOD"], dns=["192.0.2.1"], dns_search=["a.example"], extra_hosts={"x": "192.0.2.2"},
                mem_limit="64m", memswap_limit=-1, nano_cpus=500000000, pids_limit=50, oom_score_adj=100, shm_size="16m",
                tmpfs={"/scratch": "size=1m"}, ulimits=[types.Ulimit(name="nofile", soft=64, hard=128)],
                sysctls={"net.ipv4.ip_forward": "0"}, init=True, read_only=True, group_add=["33"],
                restart_policy={"Name": "on-failure", "MaximumRetryCount": 3}, security_opt=["no-new-privileges"],
                log_config=types.LogConfig(type=types.LogConfig.types.JSON, config={"max-size": "1m"}),
                mounts=[types.Mount("/named", "store", type="volume", labels={"k": "v"})]))
        self.assertEqual([], created["Warnings"] or [])
        self.api.start(created)
        found = self.api.inspect_container(created)
        host = found["HostConfig"]
        self.assertEqual(64 << 20, host["Memory"])
        self.assertEqual(500000000, host["NanoCpus"])
        self.assertEqual({"Name": "on-failure", "MaximumRetryCount": 3}, host["RestartPolicy"])
        self.assertEqual([{"Name": "nofile", "Soft": 64, "Hard": 128}], host["Ulimits"])
        self.assertEqual({"max-size": "1m"}, host["LogConfig"]["Config"])
        self.assertTrue(found["NetworkSettings"]["Ports"]["80/tcp"])
        self.assertEqual("127.0.0.1", found["NetworkSettings"]["Ports"]["53/udp"][0]["HostIp"])
        self.assertEqual({"/mnt/tmp", "/named", "/data"}, {m["Destination"] for m in found["Mounts"]})
        run = lambda *words: self.client.containers.get(created["Id"]).exec_run(list(words)).output.decode()
        self.assertEqual("nobody\n", run("id", "-un"))
        self.assertEqual("64\n", run("sh", "-c", "ulimit -n"))
        self.assertIn("192.0.2.2", run("cat", "/etc/hosts"))
        self.assertIn("nameserver 192.0.2.1", run("cat", "/etc/resolv.conf"))
        self.assertIn("1024", run("df", "-k", "/scratch"))
        self.assertEqual("k", list(self.client.volumes.get("store").attrs["Labels"])[0])
        self.api.update_container(created, mem_limit="32m", memswap_limit="64m", restart_policy={"Name": "no"})
        self.assertEqual(32 << 20, self.api.inspect_container(created)["HostConfig"]["Memory"])

    def test_a_variable_without_a_value_is_written_down_and_not_set(self):
        created = self.api.create_container("busybox", ["env"], environment={"BARE": None, "FULL": "1", "EMPTY": ""})
        self.assertEqual({"BARE", "FULL=1", "EMPTY="}, set(self.api.inspect_container(created)["Config"]["Env"][:3]))
        self.api.start(created)
        self.api.wait(created)
        said = self.api.logs(created).decode().splitlines()
        self.assertTrue({"FULL=1", "EMPTY="} <= set(said))
        self.assertFalse([line for line in said if line.startswith("BARE")])

    def test_lists(self):
        first = self.up(name="first", labels={"a": "1"})
        second = self.up("true", name="second", labels={"a": "2"})
        second.wait()
        names = lambda **how: [c.name for c in self.client.containers.list(**how)]
        self.assertEqual(["first"], names())
        self.assertEqual(["second", "first"], names(all=True))
        self.assertEqual(["second"], names(limit=1))
        self.assertEqual(["second"], names(all=True, filters={"label": "a=2"}))
        self.assertEqual(["second"], names(filters={"status": "exited"}))
        self.assertEqual(["first"], names(all=True, filters={"before": "second"}))
        self.assertEqual(["second"], names(all=True, filters={"since": "first"}))
        self.assertEqual(["first"], names(all=True, filters={"name": "^/first$"}))
        self.assertEqual(["second"], names(all=True, filters={"exited": 0}))
        line = self.api.containers(size=True)[0]
        self.assertEqual(first.id, line["Id"])
        self.assertEqual("running", line["State"])
        self.assertGreater(line["SizeRootFs"], 0)

    def test_waits(self):
        quick = self.up("sh -c 'exit 3'", auto_remove=True)
        quick_end = self.up("sh -c 'sleep 1; exit 5'")
        self.assertEqual(5, quick_end.wait(condition="next-exit")["StatusCode"])
        eventually(lambda: quick.id not in [c.id for c in self.client.containers.list(all=True)])
        with self.assertRaises(Exception) as late:
            self.up().wait(timeout=1)
        self.assertIn("timed out", str(late.exception).lower())

    def test_logs(self):
        container = self.up("sh -c 'for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.1; done'")
        self.assertEqual(b"out 1\nout 2\nout 3\n", b"".join(container.logs(stream=True, follow=True, stderr=False)))
        container.wait()
        self.assertEqual(b"err 1\nerr 2\nerr 3\n", container.logs(stdout=False))
        self.assertEqual(b"out 3\n", container.logs(stderr=False, tail=1))
        self.assertRegex(container.logs(stderr=False, timestamps=True, tail=1).decode(), r"^[0-9T:.-]+Z out 3\n$")
        self.assertEqual(b"", container.logs(since=int(time.time()) + 100))
        self.assertEqual(b"", container.logs(until=int(time.time()) - 100))
        typed = self.up("echo on a terminal", tty=True)
        typed.wait()
        self.assertEqual(b"on a terminal\r\n", typed.logs())

    def test_attach_and_its_socket(self):
        container = self.client.containers.create("busybox", ["sh", "-c", "echo begun; read line; echo got $line; echo bad >&2"],
                                                  stdin_open=True)
        wire = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        container.start()
        wire._sock.sendall(b"words\n")
        frames = list(streams.frames_iter(wire, tty=False))
        self.assertEqual(b"begun\ngot words\n", b"".join(data for stream, data in frames if stream == 1))
        self.assertEqual(b"bad\n", b"".join(data for stream, data in frames if stream == 2))
        wire.close()
        self.assertEqual(b"begun\ngot words\nbad\n", container.attach(logs=True, stream=False))
        apart = self.up("sh -c 'sleep 0.5; echo o; echo e >&2'").attach(stream=True, demux=True)
        self.assertEqual({(b"o\n", None), (None, b"e\n")}, set(apart))

    def test_attach_by_websocket(self):
        container = self.client.containers.create("busybox", ["sh", "-c", "read line; echo got $line; echo bad >&2"],
                                                  stdin_open=True)
        with over_tcp(os.environ["DOCKER_HOST"]) as address, docker.APIClient(base_url=address) as api:
            wire = api.attach_socket(container.id, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}, ws=True)
            container.start()
            wire.send("words\n")
            said = b""
            while data := wire.recv():
                said += data
            self.assertEqual([b"bad", b"got words"], sorted(said.splitlines()))
            wire.close()
            with self.assertRaises(websocket.WebSocketBadStatusException) as refused:
                api.attach_socket("nobody", ws=True)
            self.assertEqual(404, refused.exception.status_code)

    def test_exec(self):
        container = self.up()
        self.assertEqual((0, b"hi\n"), tuple(container.exec_run("echo hi")))
        self.assertEqual(3, container.exec_run("sh -c 'exit 3'").exit_code)
        self.assertEqual((b"o\n", b"e\n"), container.exec_run(["sh", "-c", "echo o; echo e >&2"], demux=True).output)
        self.assertEqual(b"nobody /tmp v\n", container.exec_run(["sh", "-c", "echo $(id -un) $(pwd) $V"], user="nobody",
                                                              workdir="/tmp", environment={"V": "v"}).output)
        self.assertEqual(b"1\n2\n", b"".join(container.exec_run("seq 2", stream=True).output))
        self.assertEqual(126 + 1, container.exec_run("no-such-program").exit_code)
        wire = container.exec_run("sh -c 'read x; echo $x $x'", stdin=True, socket=True).output
        wire._sock.sendall(b"twice\n")
        size, = struct.unpack(">L", streams.read_exactly(wire, 8)[4:])
        self.assertEqual(b"twice twice\n", streams.read_exactly(wire, size))
        wire.close()
        made = self.api.exec_create(container.id, "cat", stdin=True, tty=True)
        self.assertFalse(self.api.exec_inspect(made)["Running"])
        wire = self.api.exec_start(made, socket=True, tty=True)
        self.api.exec_resize(made, 30, 100)
        self.assertTrue(self.api.exec_inspect(made)["Running"])
        self.assertGreater(self.api.exec_inspect(made)["Pid"], 0)
        wire._sock.sendall(b"\x04")
        eventually(lambda: not self.api.exec_inspect(made)["Running"])
        wire.close()
        self.assertIsNone(container.reload())
        detached = container.exec_run("touch /there", detach=True)
        self.assertEqual("", detached.output.decode() if isinstance(detached.output, bytes) else detached.output)
        eventually(lambda: container.exec_run("ls /there").exit_code == 0)

    def test_files(self):
        container = self.up()
        self.assertTrue(container.put_archive("/tmp", archive("f", b"data", 0o600)))
        self.assertEqual(b"data", container.exec_run("cat /tmp/f").output)
        parts, stat = container.get_archive("/tmp/f")
        with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as tar:
            self.assertEqual(b"data", tar.extractfile("f").read())
        self.assertEqual(("f", 4, 0o600), (stat["name"], stat["size"], stat["mode"] & 0o777))
        self.assertIn({"Path": "/tmp/f", "Kind": 1}, container.diff())
        with self.assertRaises(errors.NotFound):
            container.get_archive("/none")
        with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
            self.assertIn("tmp/f", tar.getnames())

    def test_top_and_stats(self):
        container = self.up("sh -c 'while :; do :; done'")
        top = container.top()
        self.assertIn("PID", top["Titles"])
        self.assertEqual(1, len(top["Processes"]))
        self.assertEqual(["PID", "COMMAND"], container.top(ps_args="-o pid,comm")["Titles"])
        one = container.stats(stream=False)
        self.assertGreater(one["cpu_stats"]["cpu_usage"]["total_usage"], one["precpu_stats"]["cpu_usage"]["total_usage"])
        self.assertGreater(one["memory_stats"]["usage"], 0)
        some = container.stats(decode=True)
        self.assertEqual({container.id}, {next(some)["id"] for _ in range(2)})
        container.kill()

    def test_a_healthy_one_says_so(self):
        container = self.up(healthcheck={"test": ["CMD-SHELL", "test -f /well"], "interval": 300 * 10 ** 6, "retries": 2,
                                         "start_period": 10 ** 8})
        eventually(lambda: self.api.inspect_container(container.id)["State"]["Health"]["Status"] == "unhealthy")
        container.exec_run("touch /well")
        eventually(lambda: self.api.inspect_container(container.id)["State"]["Health"]["Status"] == "healthy")

    def test_ports_and_namespaces_of_others(self):
        web = self.up("httpd -f -p 80 -h /var/www", ports={"80/tcp": ("127.0.0.1", None)})
        web.reload()
        port = int(web.ports["80/tcp"][0]["HostPort"])
        eventually(lambda: web.exec_run("wget -qO /dev/null http://127.0.0.1/").exit_code == 0)
        with socket.create_connection(("127.0.0.1", port), 5) as wire:
            wire.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"200", wire.recv(100))
        self.assertIn(b"Hello", self.client.containers.run("busybox", "wget -qO- http://127.0.0.1/", remove=True,
                                                            network_mode="container:" + web.id))
        self.assertIn(b"Hello", self.client.containers.run("busybox", "wget -qO- http://db/", remove=True, links={web.name: "db"}))
        self.assertIn(b"httpd", self.client.containers.run("busybox", "ps", remove=True, pid_mode="container:" + web.id))


class Images(WithEngine):
    def forget(self, name):
        try:
            self.client.images.remove(name, force=True)
        except errors.ImageNotFound:
            pass

    def test_tags_history_and_removal(self):
        image = self.client.images.get("busybox")
        self.addCleanup(self.forget, "other:1")
        self.assertTrue(image.tag("other", "1"))
        self.assertIn("other:1", self.client.images.get(image.id).tags)
        self.assertEqual([image.id], [i.id for i in self.client.images.list("other")])
        self.assertEqual([image.id], [i.id for i in self.client.images.list(filters={"label": "org.wharf.test"})])
        self.assertEqual([], self.client.images.list(filters={"dangling": True}))
        self.assertEqual(image.id, image.history()[0]["Id"])
        self.assertTrue(image.short_id.startswith("sha256:"))
        self.assertEqual([{"Untagged": "other:1"}], self.api.remove_image("other:1"))
        self.assertIn(image.id, self.api.images(quiet=True))

    def test_commit_save_and_load(self):
        done = self.client.containers.run("busybox", "sh -c 'echo kept > /kept'", detach=True)
        done.wait()
        self.addCleanup(self.forget, "made:1")
        image = done.commit("made", "1", message="m", author="a", changes=["CMD [\"cat\", \"/kept\"]", "ENV B=2"])
        self.assertEqual("m", image.attrs["Comment"])
        self.assertIn("B=2", image.attrs["Config"]["Env"])
        self.assertEqual(b"kept\n", self.client.containers.run("made:1", remove=True))
        saved = b"".join(image.save(named=True))
        done.remove()
        self.client.images.remove("made:1")
        loaded = self.client.images.load(saved)
        self.assertEqual([image.id], [i.id for i in loaded])
        self.assertEqual(["made:1"], loaded[0].tags)

    def test_what_was_made_from_what_is_told_and_found(self):
        base = self.client.images.get("busybox")
        done = self.client.containers.run("busybox", "touch /one", name="one", detach=True)
        done.wait()
        self.addCleanup(self.forget, "second:1")
        self.addCleanup(self.forget, "third:1")
        second = done.commit("second", "1")
        time.sleep(1.1)
        above = self.client.containers.create("second:1", "true", name="two")
        third = above.commit("third", "1")
        self.assertEqual((base.id, second.id), (second.attrs["Parent"], third.attrs["Parent"]))
        self.assertEqual("", base.attrs["Parent"])
        names = lambda **filters: sorted(c.name for c in self.client.containers.list(all=True, filters=filters))
        self.assertEqual(["one", "two"], names(ancestor="busybox"))
        self.assertEqual(["two"], names(ancestor="second:1"))
        ours = {base.id, second.id, third.id}
        images = lambda **filters: ours & {i.id for i in self.client.images.list(filters=filters)}
        self.assertEqual({base.id}, images(before=["third:1", "second:1"]))
        self.assertEqual({third.id}, images(since=["busybox", "second:1"]))
        self.assertEqual(len({i["Id"] for i in self.api.images(all=True)}), self.client.info()["Images"])

    def test_archives_are_told_of_record_by_record(self):
        with self.assertRaises(errors.ImageLoadError):
            self.client.images.load(b"no archive")
        self.addCleanup(self.forget, "again:1")
        self.client.images.get("busybox").tag("again", "1")
        both = self.api._get(self.api._url("/images/get"), params={"names": ["busybox", "again:1"]}).content
        told = "".join(record.get("stream", "") for record in self.api.load_image(both))
        self.assertEqual({"Loaded image: busybox:latest", "Loaded image: again:1"}, set(told.splitlines()))

    def test_import(self):
        self.addCleanup(self.forget, "imported:1")
        self.api.import_image_from_data(archive("f", b"data"), repository="imported", tag="1", changes=["LABEL x=y"])
        self.assertEqual("y", self.client.images.get("imported:1").labels["x"])

    def test_push_and_pull(self):
        name = REGISTRY + "/team/box"
        self.addCleanup(self.forget, name + ":1")
        self.client.images.get("busybox").tag(name, "1")
        pushed = list(self.client.images.push(name, tag="1", stream=True, decode=True))
        self.assertTrue([line for line in pushed if "digest: sha256:" in line.get("status", "")])
        self.assertFalse([line for line in pushed if "error" in line])
        self.client.images.remove(name + ":1")
        pulled = list(self.api.pull(name, tag="1", stream=True, decode=True))
        self.assertIn("Status: Downloaded newer image", pulled[-1]["status"])
        self.client.images.remove(name + ":1")
        self.assertIn(name + ":1", self.client.images.pull(name, tag="1").tags)
        found = self.client.images.get_registry_data(name + ":1")
        self.assertTrue(found.id.startswith("sha256:"))
        self.assertTrue(found.has_platform("linux/amd64") or found.attrs["Platforms"])
        with self.assertRaises(errors.NotFound):
            self.client.images.pull(name, tag="none")
        self.client.images.remove(name + ":1")
        self.client.images.get("busybox").tag(name, "2")
        self.client.images.get("busybox").tag(name, "3")
        self.client.images.push(name)
        self.client.images.remove(name + ":2")
        self.client.images.remove(name + ":3")
        every = self.client.images.pull(name, all_tags=True)
        self.assertEqual({name + ":1", name + ":2", name + ":3"},
                         {tag for image in every for tag in image.tags if tag.startswith(name)})
        for tag in "123":
            self.client.images.remove(name + ":" + tag)


class Networks(WithEngine):
    def test_life(self):
        network = self.client.networks.create(
            "town", driver="bridge", labels={"l": "1"}, check_duplicate=True, attachable=True,
            options={"com.docker.network.bridge.enable_icc": "true"},
            ipam=types.IPAMConfig(pool_configs=[types.IPAMPool(subnet="172.30.210.0/24", gateway="172.30.210.1",
                                                               iprange="172.30.210.128/25")]))
        with self.assertRaises(errors.APIError) as twice:
            self.client.networks.create("town", check_duplicate=True)
        self.assertEqual(409, twice.exception.status_code)
        self.assertEqual(["town"], [n.name for n in self.client.networks.list(names=["town"])])
        self.assertEqual(["town"], [n.name for n in self.client.networks.list(filters={"label": "l=1"})])
        self.assertEqual("172.30.210.0/24", network.attrs["IPAM"]["Config"][0]["Subnet"])
        web = self.up("httpd -f -p 80 -h /var/www", name="web", network="town")
        guest = self.up()
        network.connect(guest, aliases=["visitor"], ipv4_address="172.30.210.9")
        network.reload()
        self.assertEqual({web.id, guest.id}, {c.id for c in network.containers})
        self.assertIn(b"Hello", guest.exec_run("wget -qO- http://web/").output)
        self.assertEqual(0, web.exec_run("ping -c 1 -W 2 visitor").exit_code)
        with self.assertRaises(errors.APIError) as used:
            network.remove()
        self.assertEqual(403, used.exception.status_code)
        network.disconnect(guest)
        network.disconnect(web, force=True)
        network.remove()

    def test_settings_kept_for_others(self):
        made = lambda **body: self.api._post_json(self.api._url("/networks/create"), data=body)
        pool = {"Config": [{"Subnet": "172.30.214.0/24"}]}
        self.assertEqual(201, made(Name="kept", ConfigOnly=True, IPAM=pool, Labels={"l": "1"}).status_code)
        self.assertEqual(403, made(Name="no", ConfigOnly=True, Internal=True).status_code)
        self.assertEqual(403, made(Name="no", ConfigFrom={"Network": "kept"}, Labels={"a": "b"}).status_code)
        self.assertEqual(404, made(Name="no", ConfigFrom={"Network": "bridge"}).status_code)
        self.assertEqual(201, made(Name="a town", ConfigFrom={"Network": "kept"}).status_code)
        kept, town = self.api.inspect_network("kept"), self.api.inspect_network("a town")
        self.assertEqual((True, "null", {"Network": "kept"}), (kept["ConfigOnly"], kept["Driver"], town["ConfigFrom"]))
        self.assertEqual(("172.30.214.0/24", {"l": "1"}), (town["IPAM"]["Config"][0]["Subnet"], town["Labels"]))
        self.assertIsNone(town["IPAM"]["Options"])
        web = self.up(network="a town")
        web.reload()
        self.assertTrue(web.attrs["NetworkSettings"]["Networks"]["a town"]["IPAddress"].startswith("172.30.214."))
        with self.assertRaises(errors.APIError):
            self.api.connect_container_to_network(web.id, "kept")
        old = {n["Name"]: n["Containers"] for n in docker.APIClient(os.environ["DOCKER_HOST"], version="1.27", timeout=30).networks()}
        self.assertEqual({web.id}, set(old["a town"]))
        web.remove(force=True)
        with self.assertRaises(errors.APIError):
            self.api.remove_network("kept")
        self.assertEqual(["a town"], self.api.prune_networks()["NetworksDeleted"])
        self.api.remove_network("kept")

    def test_an_address_of_the_link_alone(self):
        config = self.api.create_networking_config({"bridge": self.api.create_endpoint_config(link_local_ips=["169.254.8.8"])})
        created = self.api.create_container("busybox", "sleep 1000", networking_config=config)
        self.api.start(created)
        place = self.api.inspect_container(created)["NetworkSettings"]["Networks"]["bridge"]
        self.assertEqual(({"LinkLocalIPs": ["169.254.8.8"]}, None), (place["IPAMConfig"], place["DriverOpts"]))
        self.assertIn(b"169.254.8.8/16", self.client.containers.get(created["Id"]).exec_run("ip -o addr").output)

    def test_several_at_creation_and_internal_ones(self):
        inner = self.client.networks.create("inner", internal=True)
        config = self.api.create_networking_config(
            {"inner": self.api.create_endpoint_config(aliases=["i"], links={})})
        created = self.api.create_container("busybox", "sleep 1000", networking_config=config,
                                            host_config=self.api.create_host_config(network_mode="inner"))
        self.api.start(created)
        found = self.api.inspect_container(created)["NetworkSettings"]["Networks"]
        self.assertEqual({"inner"}, set(found))
        self.assertIn("i", found["inner"]["Aliases"])
        self.assertTrue(inner.attrs["Internal"])
        self.assertEqual(["bridge", "host", "none"], sorted(n.name for n in self.client.networks.list(filters={"type": "builtin"})))


class Volumes(WithEngine):
    def test_life(self):
        volume = self.client.volumes.create("store", driver="local", labels={"k": "v"})
        self.assertEqual(("store", {"k": "v"}, "local"), (volume.name, volume.attrs["Labels"], volume.attrs["Driver"]))
        self.client.containers.run("busybox", "sh -c 'echo 1 > /v/f'", volumes={"store": {"bind": "/v", "mode": "rw"}}, remove=True)
        self.assertEqual(b"1\n", self.client.containers.run("busybox", "cat /v/f", volumes=["store:/v:ro"], remove=True))
        holder = self.client.containers.create("busybox", "true", volumes=["store:/v"])
        with self.assertRaises(errors.APIError) as used:
            volume.remove()
        self.assertEqual(409, used.exception.status_code)
        self.assertEqual(["store"], [v.name for v in self.client.volumes.list(filters={"dangling": False})])
        other = self.client.containers.run("busybox", "cat /v/f", volumes_from=[holder.id], remove=True)
        self.assertEqual(b"1\n", other)
        holder.remove()
        volume.remove()
        self.assertEqual([], self.client.volumes.list())


if __name__ == "__main__":
    unittest.main(verbosity=2)
