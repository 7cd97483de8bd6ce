"""A service manager as small as can be: listens on a socket, starts a program with it, hears what it tells, starts it anew.

Usage: manager.py SOCKET FOLDER WATCHDOG_MICROS PROGRAM ARGUMENTS...
Standard input: restart, reload, stop. Each is answered by a line on standard output: the program's pid, or its status.
What the program tells goes to FOLDER/told, a message a line with its parts joined by |; what it prints, to FOLDER/log.
"""

import os
import signal
import socket
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


threading.Thread(target=hear, daemon=True).start()


def start():
    pid = os.fork()
    if pid:
        return pid
    log = os.open(folder + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if listening.fileno() == 3:
        os.set_inheritable(3, True)
    else:
        os.dup2(listening.fileno(), 3)
    environment = dict(
        os.environ,
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
