"""Holds listening sockets as a service manager does, and starts processes that get them (sd_listen_fds(3)).

Arguments: NAME=HOST:PORT, port 0 for any. First line out: the addresses, as JSON. Then each line in is a process to start, as JSON
{"argv": [...], "env": {...}, "names": [...]}; answered by {"pid": N}, and by {"pid": N, "code": C} when it has ended.
It ends its processes when its input ends.
"""

import json
import os
import signal
import socket
import sys
import threading

held = []
for word in sys.argv[1:]:
    name, address = word.split("=", 1)
    host, port = address.rsplit(":", 1)
    one = socket.socket(socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((host, int(port)))
    one.listen(511)
    held.append((name, one))

lock = threading.Lock()


def say(what):
    with lock:
        print(json.dumps(what), flush=True)


def start(argv, env, names):
    fds = [one.fileno() for name, one in held if name in names]
    passed = [name for name, one in held if name in names]
    pid = os.fork()
    if pid != 0:
        return pid
    # Away from where they are to be, first: one may sit in the place of another.
    for at, fd in enumerate([os.dup2(fd, 100 + at) for at, fd in enumerate(fds)]):
        os.dup2(fd, 3 + at)
    os.closerange(3 + len(fds), 200)
    os.dup2(2, 1)
    more = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(passed)}
    os.execvpe(argv[0], argv, {**os.environ, **(more if fds else {}), **env})


def wait(pid):
    _, status = os.waitpid(pid, 0)
    running.discard(pid)
    say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


running = set()
say([f"{name}={one.getsockname()[0]}:{one.getsockname()[1]}" for name, one in held])
for line in sys.stdin:
    pid = start(**json.loads(line))
    running.add(pid)
    say({"pid": pid})
    threading.Thread(target=wait, args=(pid,), daemon=True).start()
for pid in list(running):
    os.kill(pid, signal.SIGKILL)
