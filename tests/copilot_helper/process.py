"""A running helper, and connections to it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from typing import Self

from tests.servers import ROOT

HOME = ROOT / "proxyapp/backends/copilot/helper"
MAIN = HOME / "dist/main.mjs"
LIMIT = 30.0
GONE = b""


def unavailable() -> str:
    """Say why the process cannot run here, or nothing."""
    if shutil.which("node") is None:
        return "Node.js is missing"
    return "" if MAIN.exists() else "the helper is not built: npm run build"


class RpcError(Exception):
    """A request that was answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]
        self.data: dict[str, Any] = error.get("data", {})
        self.kind = self.data.get("kind")


class Wire:
    """One connection: requests out, lines in."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self._ids = itertools.count(1)
        self._rest = b""

    def send(self, method: str, **params: Any) -> int:
        """Send a request and give its id."""
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.raw(json.dumps(request).encode() + b"\n")
        return number

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def line(self) -> bytes:
        """Give the next line, nothing once the process has closed."""
        while b"\n" not in self._rest:
            piece = self.socket.recv(65536)
            if not piece:
                return GONE
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def message(self) -> dict[str, Any]:
        """Give the next message; fail when the process has closed."""
        line = self.line()
        assert line, "the process closed the connection"
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    def call(self, method: str, **params: Any) -> Any:
        """Ask and give the result; raise RpcError for an error."""
        number = self.send(method, **params)
        return self.result(number)[0]

    def result(self, number: int) -> tuple[Any, list[dict[str, Any]]]:
        """Give the result of a request, and the events that came before it."""
        events = []
        while (message := self.message()).get("id") != number:
            events.append(message["params"])
        if "error" in message:
            error = RpcError(message["error"])
            error.events = events  # type: ignore[attr-defined]
            raise error
        return message["result"], events

    def event(self, kind: str) -> dict[str, Any]:
        """Give the next event of a kind."""
        while (message := self.message())["params"]["t"] != kind:
            pass
        params: dict[str, Any] = message["params"]
        return params

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Helper:
    """One process with a folder of its own, ended with its block."""

    def __init__(self, egress: str = "", **options: Any) -> None:
        self.implementation = options.pop("implementation", "earendil")
        self.environment = options.pop("environment", {})
        self.folder = Path(tempfile.mkdtemp(prefix="copilot-"))
        self.socket = str(self.folder / "s")
        self.store = self.folder / "auth.json"
        self.options = {"socket": self.socket, "store": str(self.store), "linger": 20}
        self.options |= {"egress": egress} if egress else {}
        self.options |= options
        self.log = self.folder / "log"

    def __enter__(self) -> Self:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PI_AI_IMPL": self.implementation,
            "COPILOT_HELPER_OPTIONS": json.dumps(self.options),
            **self.environment,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["node", str(MAIN)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.control = self.connected()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait(LIMIT)
        shutil.rmtree(self.folder)

    def connected(self) -> Wire:
        """Connect as soon as the process listens."""
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                return Wire(self.socket)
            except OSError:
                assert self.process.poll() is None, self.logged()
                assert time.monotonic() < deadline, "the helper does not listen"
                time.sleep(0.01)

    def logged(self) -> str:
        """Give what the process has logged."""
        return self.log.read_text("utf-8")

    def exited(self) -> int:
        """Wait until the process has ended; give its status."""
        return self.process.wait(LIMIT)

    def call(self, method: str, **params: Any) -> Any:
        """Ask on the control connection."""
        return self.control.call(method, **params)

    def write_store(self, content: Any, mode: int = 0o600) -> None:
        """Put a file with a login there."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.store.write_text(text, "utf-8")
        self.store.chmod(mode)

    def chat(self, **params: Any) -> tuple[Any, list[dict[str, Any]]]:
        """Make a call on a connection of its own; give its result and events."""
        with Wire(self.socket) as wire:
            return wire.result(wire.send("chat.stream", **asked(**params)))

    def failure(self, **params: Any) -> RpcError:
        """Make a call that must fail; give its error."""
        try:
            result, _ = self.chat(**params)
        except RpcError as error:
            return error
        raise AssertionError(f"the call succeeded: {result}")


def asked(said: str = "Hello", model: Any = "gpt-4.1", **params: Any) -> dict[str, Any]:
    """Give the params of a call."""
    messages = params.pop("messages", [{"role": "user", "content": said}])
    context = {"messages": messages, **params.pop("context", {})}
    entry = model if isinstance(model, dict) else {"id": model}
    return {"model": entry, "context": context, **params}


def of(kind: str, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the events of a kind."""
    return (event for event in events if event["t"] == kind)


def text_of(events: list[dict[str, Any]]) -> str:
    """Join the text of a reply."""
    return "".join(event["d"] for event in of("text", events))
