"""Calls to the Node process, and their failures in the gateway's own words."""

from typing import Any

from proxyapp.backends.copilot.failures import from_rpc
from proxyapp.backends.copilot.process import NodeProcess
from proxyapp.backends.copilot.pulse import Pulse
from proxyapp.backends.copilot.rpc import ask
from proxyapp.backends.copilot.rpc import Connection
from proxyapp.backends.copilot.rpc import ConnectionLost
from proxyapp.backends.copilot.rpc import RpcError
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamTimeout


class CopilotClient:
    """One worker's way to the process."""

    def __init__(self, process: NodeProcess) -> None:
        self._process = process
        self._pulse = Pulse(process)

    def connect(self) -> Connection:
        """Open a connection for one call; raise UpstreamError."""
        return self._process.connect()

    def feel_pulse(self) -> None:
        """Look after a process that has been silent for a tick."""
        self._pulse.feel()

    def ask(self, method: str, params: dict[str, Any], seconds: float) -> Any:
        """Call a method that answers once; raise a ProxyError that says what failed."""
        connection = self._process.connect()
        try:
            return ask(connection, method, params, seconds)
        except RpcError as error:
            managed = params.get("auth", {}).get("mode") != "token"
            raise from_rpc(error, "", managed=managed) from None
        except TimeoutError as error:
            raise UpstreamTimeout(f"The GitHub Copilot helper: {error}.") from None
        except ConnectionLost as error:
            raise UpstreamInvalid(f"The GitHub Copilot helper: {error}.") from None
        finally:
            connection.close()
