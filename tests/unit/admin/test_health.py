from proxyapp import __version__
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
