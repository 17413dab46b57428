"""gunicorn's gevent worker as the gateway needs it: it drains, makes room, tells."""
