"""Many connections at once: most of them quiet, every fifth one streaming.

    python -m tests.soak.crowd [--connections 5000] [--streams 1000] [--write]

The quiet ones ask for /health every few seconds, as clients with pooled connections
do. The upstream runs in a process of its own. Fails when a connection, a stream or an
answer failed. With ``--write`` the figures go into docs/reliability.md.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from multiprocessing.connection import Connection

from tests.page import write_section
from tests.servers import running_gateway
from tests.servers import RunningGateway
from tests.soak.mixed import resident

WORKERS = 2
TOKENS = 40
GAP = 0.5
"""Seconds between two tokens of a stream: all streams last TOKENS * GAP."""
QUIET = 3.0
"""Seconds between two questions on a quiet connection, less than keepalive."""
RATE = 400
"""How many connections are opened in a second."""
LIMIT = 90.0
SETTINGS = {"PROXYAPP_MODELS__REFRESH_SECONDS": 3600}


# ------------------------------------------------------------------------ upstream


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection with a slow stream, or with a model."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            kind = listed if head.startswith(b"GET") else tokens
            await kind(writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def listed(writer: asyncio.StreamWriter) -> None:
    """Name the one model."""
    body = json.dumps({"object": "list", "data": [{"id": "tiny"}]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def tokens(writer: asyncio.StreamWriter) -> None:
    """Stream tokens, evenly."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    for number in range(TOKENS):
        writer.write(chunk({"content": f"{number} "}, None))
        await writer.drain()
        await asyncio.sleep(GAP)
    done = b"data: [DONE]\n\n"
    writer.write(chunk({}, "stop") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(done), done))
    await writer.drain()


def chunk(delta: dict[str, str], finish: str | None) -> bytes:
    """Write one chunk of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = f"data: {json.dumps({'choices': [choice]})}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(told), told)


def serve(port: Connection) -> None:
    """Run the upstream until its process is ended."""

    async def forever() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


# ------------------------------------------------------------------------- clients


@dataclass
class Crowd:
    """What the clients met."""

    port: int
    open: int = 0
    most: int = 0
    streaming: int = 0
    most_streaming: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def joined(self, streams: bool, delay: float) -> None:
        """Be one client, from its connection to its end; count a failure as one."""
        await asyncio.sleep(delay)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.open += 1
            self.most = max(self.most, self.open)
            await (self.stream if streams else self.rest)(reader, writer)
            writer.close()
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.counts[f"failed: {error!r:.80}"] += 1
        finally:
            self.open -= 1

    async def rest(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Ask for a sign of life now and then."""
        while not self.over.is_set():
            began = time.monotonic()
            writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            self.waits.append(time.monotonic() - began)
            good = head.startswith(b"HTTP/1.1 200")
            self.counts["answered" if good else "failed: " + head[:12].decode()] += 1
            await asyncio.sleep(QUIET)

    async def stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read one stream to its end."""
        message = {"role": "user", "content": "hi"}
        body = json.dumps({"model": "tiny", "stream": True, "messages": [message]})
        head = f"Host: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        began = time.monotonic()
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\n{head}{body}".encode())
        await reader.readuntil(b"data: ")
        self.first.append(time.monotonic() - began)
        self.streaming += 1
        self.most_streaming = max(self.most_streaming, self.streaming)
        told = await reader.readuntil(b"data: [DONE]\n\n")
        self.streaming -= 1
        whole = told.count(b'"content":"') >= TOKENS - 1 and b'"error"' not in told
        self.counts["streamed" if whole else "failed: a stream is not whole"] += 1


async def gathered(port: int, connections: int, streams: int) -> Crowd:
    """Let everybody come, stream, and go."""
    crowd = Crowd(port)
    quiet = [
        asyncio.create_task(crowd.joined(False, number / RATE))
        for number in range(connections - streams)
    ]
    arrived = (connections - streams) / RATE
    speaking = [
        asyncio.create_task(crowd.joined(True, arrived + number / RATE))
        for number in range(streams)
    ]
    async with asyncio.timeout(LIMIT):
        await asyncio.gather(*speaking)
        crowd.over.set()
        await asyncio.gather(*quiet)
    return crowd


def rows(crowd: Crowd, gateway: RunningGateway, memory: float) -> list[str]:
    """Give the lines of a table."""
    waits, first = sorted(crowd.waits), sorted(crowd.first)
    failed = sum(n for what, n in crowd.counts.items() if what.startswith("failed"))
    return [
        "| | |",
        "| --- | --- |",
        f"| Open connections, streams at once | {crowd.most}, {crowd.most_streaming} |",
        f"| Streams read to their end | {crowd.counts['streamed']} |",
        f"| Other answers meanwhile | {crowd.counts['answered']} |",
        f"| Failures | {failed} |",
        f"| First token, median and p99 | {at(first, 0.5)}, {at(first, 0.99)} |",
        f"| Other answers, median and p99 | {at(waits, 0.5)}, {at(waits, 0.99)} |",
        f"| Memory of a worker, at most | {memory:.0f} MB |",
    ]


def at(values: list[float], share: float) -> str:
    """Give the value at a share of sorted values, in milliseconds."""
    if not values:
        return "-"
    return f"{values[int(share * (len(values) - 1))] * 1000:.0f} ms"


def main() -> int:
    """Run, tell, and give 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ours, theirs = multiprocessing.Pipe()
    upstream = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    upstream.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    with running_gateway(url, workers=WORKERS, **SETTINGS) as gateway:
        crowd = asyncio.run(gathered(gateway.port, given.connections, given.streams))
        memory = max(resident(pid) for pid in gateway.worker_pids)
        noise = gateway.log.count("Traceback")
    upstream.terminate()
    table = "\n".join(rows(crowd, gateway, memory))
    failures = [what for what in crowd.counts if what.startswith("failed")]
    sys.stdout.write("\n".join([table, *failures, f"{os.getloadavg()[0]:.1f}", ""]))
    if given.write:
        write_section("reliability", "crowd", table)
    return 1 if failures or noise else 0


if __name__ == "__main__":
    sys.exit(main())
