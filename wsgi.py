"""The application, for any WSGI server: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

from proxyapp.reload import LiveApp

app = LiveApp()
