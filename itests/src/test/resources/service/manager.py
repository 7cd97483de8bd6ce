"""A service manager as small as can be: listens on a socket, starts a program with it, hears what it tells, starts it anew.

Usage: manager.py SOCKET FOLDER WATCHDOG_MICROS PROGRAM ARGUMENTS...
Standard input: restart, reload, stop. Each is answered by a line on standard output: the program's pid, or its status.
What the program tells goes to FOLDER/told, a message a line with its parts joined by |; what it prints, to FOLDER/log, and what
it sends to FOLDER/journald in journald's native protocol, to FOLDER/journal, an entry a line as JSON.
"""

import json
import os
import signal
import socket
import struct
import sys
import threading

path, folder, watchdog, *command = sys.argv[1:]

listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listening.bind(path)
listening.listen(1024)
hearing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
hearing.bind(folder + "/notify")


def hear():
    with open(folder + "/told", "a", buffering=1) as told:
        while True:
            message = hearing.recv(65536).decode()
            told.write(message.strip().replace("\n", "|") + "\n")


def fields(entry):
    found = {}
    while entry:
        name, rest = entry.split(b"\n", 1)
        if b"=" in name:
            name, value = name.split(b"=", 1)
        else:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        found[name.decode()] = value.decode()
        entry = rest
    return found


def keep():
    with open(folder + "/journal", "a", buffering=1) as journal:
        while True:
            journal.write(json.dumps(fields(entries.recv(1 << 20))) + "\n")


entries = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
entries.bind(folder + "/journald")
threading.Thread(target=hear, daemon=True).start()
threading.Thread(target=keep, daemon=True).start()


def start():
    pid = os.fork()
    if pid:
        return pid
    # As systemd does: whoever runs the tests may have a hang-up ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    log = os.open(folder + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if listening.fileno() == 3:
        os.set_inheritable(3, True)
    else:
        os.dup2(listening.fileno(), 3)
    stream = os.fstat(2)
    environment = dict(
        os.environ,
        JOURNAL_STREAM=f"{stream.st_dev}:{stream.st_ino}",
        LISTEN_FDS="1",
        LISTEN_PID=str(os.getpid()),
        NOTIFY_SOCKET=folder + "/notify",
        WATCHDOG_USEC=watchdog,
        WATCHDOG_PID=str(os.getpid()),
    )
    os.execve(command[0], command, environment)


def stop(pid):
    os.kill(pid, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


running = start()
print(running, flush=True)
for line in sys.stdin:
    if line.strip() == "restart":
        stop(running)
        running = start()
        print(running, flush=True)
    elif line.strip() == "reload":
        os.kill(running, signal.SIGHUP)
        print(running, flush=True)
    else:
        break
print(stop(running), flush=True)
