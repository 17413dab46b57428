"""What is told of a request when it is over: a line in the log, a row in the ledger."""

import time
from collections.abc import Sequence
from typing import Any
from typing import Final

from proxyapp.neutral.record import ANYONE
from proxyapp.neutral.record import Record
from proxyapp.observe.clock import wall_clock
from proxyapp.observe.entry import entry_of
from proxyapp.observe.forms import Form
from proxyapp.observe.forms import TextForm
from proxyapp.observe.ledger import Ledger
from proxyapp.observe.log import write_line
from proxyapp.observe.redact import redact
from proxyapp.observe.transcript import Transcript

_LONGEST_ERROR: Final = 300


class Journal:
    """Where finished requests are told of.

    ``verbose`` also tells of those that only look, and what was said; ``secrets`` are
    hidden wherever they stand.
    """

    def __init__(
        self,
        ledger: Ledger,
        form: Form | None = None,
        *,
        verbose: bool = False,
        secrets: Sequence[str] = (),
    ) -> None:
        self._ledger = ledger
        self._form = form or TextForm()
        self._verbose = verbose
        self._secrets = tuple(secrets)

    def transcript(self) -> Transcript | None:
        """Give what listens to a request, if the log shows what is said."""
        return Transcript() if self._verbose else None

    def close(
        self,
        record: Record,
        environ: dict[str, Any],
        status: int,
        transcript: Transcript | None = None,
    ) -> None:
        """Tell of a request; only what was let in and generates is kept."""
        method = environ["REQUEST_METHOD"]
        kept = record.dialect and record.caller is not ANYONE
        # A failure after the status was sent stands in the record only.
        failed = status >= 500 or (record.failed and status < 400)
        shown = method == "POST" or failed or self._verbose
        if not (kept or shown):
            return
        client = environ.get("REMOTE_ADDR", "")
        entry = entry_of(record, status, client, wall_clock(), time.monotonic())
        if kept:
            self._ledger.add(entry)
        if shown:
            more = {}
            if failed or transcript is not None:
                more = self._more(record, failed, transcript)
            agent = environ.get("HTTP_USER_AGENT", "")
            level = "WARNING" if failed else "INFO"
            path = environ["PATH_INFO"]
            write_line(self._form.request(level, entry, method, path, agent, more))

    def _more(
        self, record: Record, failed: bool, transcript: Transcript | None
    ) -> dict[str, str]:
        secrets = (*self._secrets, record.caller.credential)
        more = {}
        if failed and record.failure:
            more["error"] = redact(record.failure[:_LONGEST_ERROR], secrets)
        if transcript is not None:
            more |= transcript.shown(secrets)
        return more
