"""How gunicorn serves the gateway: ``gunicorn -c gunicorn.conf.py wsgi:app``.

gunicorn reads this in its parent process, before the gevent worker replaces the
blocking parts of the standard library. So nothing here may import ``requests``: what
is loaded by then keeps the blocking ones (urllib3 builds upon ``ssl`` on import).
"""

import os
import resource
import sys
from typing import Any

from proxyapp.settings.bind import bind_address
from proxyapp.settings.bind import check_bind
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.load import load_settings

try:
    _settings = load_settings()
    check_bind(_settings)
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(2)

_server = _settings.server

# A core file would hold prompts and keys.
resource.setrlimit(
    resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
)

bind = bind_address(_settings)
worker_class = "proxyapp.worker.serving.GatewayWorker"
workers = _server.workers
worker_connections = _server.worker_connections
# The application must be loaded after the worker has replaced the blocking parts.
preload_app = False

# Also the time a client has for its request's head: 0 would let it take for ever.
keepalive = 5
# The silence of a worker's loop, not of a request, after which it is replaced.
timeout = 30
graceful_timeout = _server.graceful_timeout
# A bearer token can be longer than the default of 8190.
limit_request_field_size = 16384
# Nobody may tell us another scheme or address; nginx need not either.
forwarded_allow_ips = ""
# Files would be written past the worker's own way of writing.
sendfile = False
# gunicorn 25.1 and later would open a socket in the home directory.
control_socket_disable = True
# The workers' sign of life is a file, and a disk can stall where memory cannot.
_memory = "/dev/shm"  # noqa: S108 - gunicorn makes a private file there
worker_tmp_dir = _memory if os.access(_memory, os.W_OK) else None

accesslog = None
loglevel = "info" if _settings.log.verbose else "warning"


def post_worker_init(worker: Any) -> None:
    """Tune a worker that has loaded the application."""
    from gunicorn import util

    from proxyapp.dialects.openai.errors import error_body
    from proxyapp.web.refusal import refusal_writer
    from proxyapp.worker.tuning import tune_worker

    util.write_error = refusal_writer(error_body)
    tune_worker(worker, _server.write_timeout)
