from proxyapp import __version__
from proxyapp.app import build_app
from proxyapp.app import build_gateway
from proxyapp.app import create_app
from proxyapp.settings.schema import Settings


def test_health_asks_no_backend():
    reply = create_app(Settings()).test_client().get("/health")
    assert reply.json == {"status": "ok", "name": "proxyapp", "version": __version__}


def test_health_needs_no_key():
    settings = Settings()
    app = create_app(settings)
    assert (
        app.test_client().get("/health", headers={"x-api-key": "no"}).status_code == 200
    )


def test_health_names_backends_that_nobody_can_connect_to():
    gateway = build_gateway(Settings())
    breaker = gateway.backends[0]._http.breaker
    for _ in range(5):
        breaker.failed(3.0)
    told = build_app(gateway).test_client().get("/health").json
    assert (told["status"], told["unavailable"]) == ("ok", "llama")
