"""Check the bench itself: do upstream and load generator tell the same story?"""

import http.client
import http.server
import json
import subprocess
import threading
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import proc
from bodies import chat_body
from bodies import DIALECTS
from build import BIN
from disconnect import PHASES
from disconnect import run_trials
from targets import Upstream
from targets import UPSTREAM_PORT

STAMPS = [f"@{i:016x} " for i in range(1, 6)]
TEXT = "".join(STAMPS)
PHASES_SEEN = ["headers", "silent", "stream", "whole"]
# The ends of small replies in each dialect, as far as the load generator reads them.
REPLIES = {
    "openai": [f'data: {{"t":"{s}"}}\n\n' for s in STAMPS] + ["data: [DONE]\n\n"],
    "ollama": [f'{{"t":"{s}","done":false}}\n' for s in STAMPS] + ['{"done": true}\n'],
    "anthropic": [f'event: delta\ndata: {{"t":"{s}"}}\n\n' for s in STAMPS]
    + ['event: message_stop\ndata: {"type":"message_stop"}\n\n'],
    "responses": [f'event: delta\ndata: {{"t":"{s}"}}\n\n' for s in STAMPS]
    + [f'event: response.completed\ndata: {{"text":"{TEXT}"}}\n\n'],
}


class Canned(http.server.BaseHTTPRequestHandler):
    """Answer /<dialect> with its reply, and /cut/<dialect> without its terminator."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        dialect = self.path.rpartition("/")[2]
        events = REPLIES[dialect][: -1 if self.path.startswith("/cut") else None]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        data = "".join(events).encode()
        # Chunks of seven bytes cut every stamp and every terminator in pieces.
        for i in range(0, len(data), 7):
            piece = data[i : i + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Selftest:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.upstream = Upstream(work)
        self.failed = 0

    def check(self, what: str, *, holds: bool, seen: Any = "") -> None:
        print(f"{'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {seen}'}")
        self.failed += not holds

    def load(self, port: int, path: str, *options: str, body: bytes = b"{}") -> Any:
        file = self.work / "selftest.json"
        file.write_bytes(body)
        command = [str(BIN / "load"), "-p", str(port), "-u", path, "-b", str(file)]
        done = subprocess.run([*command, *options], capture_output=True, check=True)
        return json.loads(done.stdout)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", UPSTREAM_PORT)
        connection.request(method, path, body or None)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def counts_agree(self) -> None:
        chat = DIALECTS["openai"].path
        for stream, dialect in ((True, "openai"), (False, "json")):
            for keep in ((), ("-k",)):
                self.upstream.behave(tokens=20)
                self.upstream.reset()
                options = ("-c", "8", "-n", "200", "-e", "20", "-d", dialect, *keep)
                body = chat_body("openai", stream=stream)
                result = self.load(UPSTREAM_PORT, chat, *options, body=body)
                stats = self.upstream.stats()
                kind = f"{'stream' if stream else 'plain'} {' '.join(keep)}".strip()
                told = (result["ok"], result["tokens"], sum(result["errors"].values()))
                self.check(
                    f"{kind}: load saw all", holds=told == (200, 4000, 0), seen=told
                )
                sent = (stats["done"], stats["tokens"], stats["streams"], stats["open"])
                wanted = (200, 4000, 200 * stream, 0)
                self.check(f"{kind}: upstream sent it", holds=sent == wanted, seen=sent)

    def pace_is_kept(self) -> None:
        self.upstream.behave(tokens=25, tps=50)
        body = chat_body("openai", stream=True)
        options = ("-c", "20", "-n", "20", "-e", "25", "-d", "openai")
        result = self.load(UPSTREAM_PORT, DIALECTS["openai"].path, *options, body=body)
        took = result["total"]["p50"] / 1e6
        self.check(
            "25 tokens at 50 a second take half a second", holds=0.45 < took < 0.7
        )

    def shapes_are_right(self) -> None:
        self.upstream.behave(tokens=3)
        body = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
        body["messages"] = [{"role": "user", "content": '"stream": false'}]
        _, data = self.ask("POST", DIALECTS["openai"].path, json.dumps(body).encode())
        *events, done, end = data.decode().split("\n\n")
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        keys = ["choices", "created", "id", "model", "system_fingerprint", "object"]
        self.check("chunks have llama-server's keys", holds=list(chunks[0]) == keys)
        first = chunks[0]["choices"][0]["delta"]
        role = {"role": "assistant", "content": None}
        self.check("the role comes first", holds=first == role, seen=first)
        finish = [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]]
        wanted = [None] * 4 + ["stop"]
        self.check(
            "the finish comes after the tokens", holds=finish == wanted, seen=finish
        )
        usage = [*keys, "usage", "timings"]
        self.check("the usage comes last", holds=list(chunks[-1]) == usage)
        self.check(
            "[DONE] ends it", holds=(done, end) == ("data: [DONE]", ""), seen=done
        )
        _, data = self.ask("POST", "/v1/embeddings", b'{"model":"m","input":["a","b"]}')
        self.check(
            "two texts, two embeddings", holds=len(json.loads(data)["data"]) == 2
        )
        for path, status in (("/v1/models", 200), ("/props", 200), ("/nothing", 404)):
            got, data = self.ask("GET", path)
            self.check(
                f"{path} is JSON", holds=got == status and bool(json.loads(data))
            )

    def large_bodies_arrive(self) -> None:
        self.upstream.behave(tokens=1)
        self.upstream.reset()
        body = chat_body("openai", stream=True, size=10_000_000)
        options = ("-c", "1", "-n", "2", "-k", "-e", "1", "-d", "openai")
        path = DIALECTS["openai"].path
        result = self.load(UPSTREAM_PORT, path, *options, body=body)
        received = self.upstream.stats()["body_bytes"]
        holds = result["ok"] == 2 and received == 2 * len(body)
        self.check("10 MB bodies arrive whole", holds=holds, seen=result)

    def dialects_are_counted(self) -> None:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canned)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        options = ("-c", "2", "-n", "10", "-k", "-e", "5")
        for dialect in REPLIES:
            result = self.load(port, f"/{dialect}", *options, "-d", dialect)
            told = (result["ok"], result["tokens"])
            self.check(
                f"{dialect}: tokens counted", holds=told == (10, 50), seen=result
            )
            result = self.load(port, f"/cut/{dialect}", *options, "-d", dialect)
            lost = result["errors"]["unfinished"]
            self.check(f"{dialect}: a cut stream fails", holds=lost == 10, seen=result)
        server.shutdown()

    def departures_are_seen(self) -> None:
        for phase, name in zip(PHASES, PHASES_SEEN, strict=True):
            found = run_trials(self.upstream, UPSTREAM_PORT, phase, 5)
            named = [gone["phase"] for gone in self.upstream.gone()]
            holds = len(found.seen_ms) == 5 and named == [name]
            seen = (found, named)
            self.check(f"{phase.name}: departure seen", holds=holds, seen=seen)

    def processes_are_weighed(self) -> None:
        pid = self.upstream.process.popen.pid
        self.check("the upstream used CPU time", holds=proc.cpu_seconds(pid) > 0)
        self.check("the upstream has memory", holds=proc.pss_kb(pid) > 100)

    def checks(self) -> Iterator[Callable[[], None]]:
        yield self.counts_agree
        yield self.pace_is_kept
        yield self.shapes_are_right
        yield self.large_bodies_arrive
        yield self.dialects_are_counted
        yield self.departures_are_seen
        yield self.processes_are_weighed


def run_selftest(work: Path) -> int:
    selftest = Selftest(work)
    try:
        for check in selftest.checks():
            check()
    finally:
        selftest.upstream.process.stop()
    print("selftest failed" if selftest.failed else "selftest passed")
    return 1 if selftest.failed else 0
