"""The gateway everyone writes first: the yardstick of what care is worth.

Deliberately naive: one requests.post per request, json both ways, iter_lines().
"""

import json
import os
from collections.abc import Iterator

import requests
from flask import Flask
from flask import jsonify
from flask import request
from flask import Response

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:21900")

app = Flask(__name__)


@app.post("/v1/chat/completions")
def chat() -> Response:
    body = json.loads(request.get_data())
    stream = bool(body.get("stream"))
    reply = requests.post(
        f"{UPSTREAM}/v1/chat/completions", json=body, stream=stream, timeout=600
    )
    if not stream:
        return jsonify(reply.json())
    return Response(_lines(reply), mimetype="text/event-stream")


def _lines(reply: requests.Response) -> Iterator[bytes]:
    for line in reply.iter_lines():
        if line:
            yield line + b"\n\n"
