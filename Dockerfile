# syntax=docker/dockerfile:1

# Both stages need the same Python: the second one runs what the first one installed.
ARG BUILD_IMAGE=python:3.13-slim
ARG RUNTIME_IMAGE=python:3.13-slim
ARG NODE_IMAGE=node:22-slim

# What speaks to GitHub Copilot: one folder of files, without the packages they came from.
FROM ${NODE_IMAGE} AS node
WORKDIR /copilot
COPY proxyapp/backends/copilot/helper ./
RUN ["npm", "ci", "--ignore-scripts"]
RUN ["npm", "run", "build"]

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY requirements.txt ./
RUN ["python", "-m", "venv", "/venv"]
RUN ["/venv/bin/pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--require-hashes", "-r", "requirements.txt"]
COPY config ./config
COPY proxyapp ./proxyapp
COPY gunicorn.conf.py wsgi.py ./
RUN ["rm", "-r", "proxyapp/backends/copilot/helper"]
COPY --from=node /copilot/dist ./proxyapp/backends/copilot/helper/dist
# Nothing can be written later, so what Python would compile is compiled now.
RUN ["/venv/bin/python", "-m", "compileall", "-q", "."]

FROM ${RUNTIME_IMAGE}
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=node /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
# Only what is published can be reached in a container: publish on 127.0.0.1, or set
# PROXYAPP_AUTH__KEYS.
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/nonexistent \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LISTEN_HOST=0.0.0.0 \
    LISTEN_PORT=11434 \
    ALLOW_UNAUTHENTICATED=1
EXPOSE 11434
USER 65534:65534
# http.client goes straight to the port, whatever HTTP_PROXY says.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['LISTEN_PORT']), timeout=3); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "proxyapp", "serve"]
