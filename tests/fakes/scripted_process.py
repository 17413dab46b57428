"""A stand-in for the Node process, run by Python: it does what a model's name says.

    NodeProcess(directory, {}, program=scripted_process.PROGRAM)

with a ``node`` on the PATH that is a Python. It answers on its Unix socket and speaks
the protocol of proxyapp/backends/copilot/helper/README.md; a chat with the model
``garbage`` gets garbage, one with ``hang`` stops the whole process, and so on.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

PROGRAM = Path(__file__)
LONG = 33 << 20


def main() -> None:
    """Listen until nobody is connected any more."""
    options = json.loads(os.environ["COPILOT_HELPER_OPTIONS"])
    if options.get("start") == "fail":
        sys.exit("no such luck")
    if options.get("start") == "silent":
        time.sleep(60)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(options["socket"])
    listener.listen(64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, options), daemon=True).start()


def serve(connection: socket.socket, options: dict[str, object]) -> None:
    """Answer what comes on one connection."""
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            call = json.loads(line)
            if call["method"] == "chat.stream":
                name = call["params"]["model"]["id"]
                SCENES[name.partition(":")[0]](connection, call)
            else:
                result = {"told": call["params"], "options": options, **ANSWERS}
                if call["method"] == "initialize" and options.get("start") == "old":
                    error = {"code": -32010, "message": "another protocol"}
                    say(connection, {"id": 1, "error": error})
                else:
                    say(connection, {"id": 1, "result": result})


ANSWERS = {"models": [{"id": "hello", "name": "Hello", "api": "openai-completions"}]}
DONE = {"stopReason": "stop", "usage": {"input": 3, "output": 2}}


def say(connection: socket.socket, message: dict[str, object]) -> None:
    """Send one message."""
    connection.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def event(connection: socket.socket, kind: str, **fields: object) -> None:
    """Tell one event of a chat."""
    say(connection, {"method": "chat.event", "params": {"t": kind, **fields}})


def hello(connection, call):
    event(connection, "start", initiator="user")
    event(connection, "text", i=0, d="Hello")
    say(connection, {"id": 1, "result": DONE})


def repeat(connection, call):
    event(connection, "text", i=0, d=json.dumps(call["params"]))
    say(connection, {"id": 1, "result": DONE})


def slow(connection, call):
    event(connection, "text", i=0, d="Hello")
    time.sleep(1.5)
    say(connection, {"id": 1, "result": DONE})


def fail(connection, call):
    kind = call["params"]["model"]["id"].partition(":")[2]
    data = {"kind": kind, "retryAfter": "7"}
    error = {"code": -32000, "message": f"it is {kind}", "data": data}
    say(connection, {"id": 1, "error": error})


def garbage(connection, call):
    event(connection, "text", i=0, d="Hello")
    connection.sendall(b"\x00\xff{{{\n")


def list_line(connection, call):
    connection.sendall(b"[1]\n")


def long(connection, call):
    event(connection, "text", i=0, d="Hello")
    connection.sendall(b"x" * LONG)


def close(connection, call):
    event(connection, "text", i=0, d="Hello")
    connection.shutdown(socket.SHUT_RDWR)


def die(connection, call):
    event(connection, "text", i=0, d="Hello")
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(connection, call):
    """Die before anything is said, but serve whoever asks the next process."""
    mark = Path(os.environ["HOME"]) / "died"
    if mark.exists():
        hello(connection, call)
    else:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def hang(connection, call):
    event(connection, "text", i=0, d="Hello")
    os.kill(os.getpid(), signal.SIGSTOP)


def watch(connection, call):
    """Tell, in a file, when the other side closes the connection."""
    event(connection, "text", i=0, d="Hello")
    connection.recv(1)
    (Path(os.environ["HOME"]) / "cancelled").touch()


SCENES = {
    "hello": hello,
    "repeat": repeat,
    "slow": slow,
    "fail": fail,
    "garbage": garbage,
    "list-line": list_line,
    "long": long,
    "close": close,
    "die": die,
    "die-once": die_once,
    "hang": hang,
    "watch": watch,
}

if __name__ == "__main__":
    main()
