"""The application, for any WSGI server: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

from proxyapp.app import create_app
from proxyapp.settings.load import load_settings

app = create_app(load_settings())
