# The gateway, as an ordinary user on a read-only root file system:
#   docker build -t itcare-gateway .
#   docker run --read-only --tmpfs /tmp -v itcare:/data -p 127.0.0.1:8000:8000 itcare-gateway

FROM node:24.11-bookworm-slim AS node

FROM python:3.13.9-slim-bookworm AS build
# GraphiQL's build needs Node, and nothing later does.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# Every package is checked against its hash here; what is installed below comes from these files alone.
COPY requirements.lock ./
RUN pip download --quiet --no-deps --require-hashes --only-binary :all: --dest /wheels -r requirements.lock \
    && pip install --quiet --no-index --find-links /wheels hatchling
COPY gateway/__init__.py gateway/
COPY gateway/web gateway/web
RUN python -m gateway.web.build
COPY pyproject.toml README.md .gitignore ./
COPY auth auth
COPY resolvers resolvers
COPY schema schema
COPY migrations migrations
COPY gateway gateway
RUN pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv --without-pip /app \
    && pip --python /app/bin/python install --quiet --no-index --find-links /wheels itcare-gateway \
    && /app/bin/python -m compileall -q /app/lib

FROM python:3.13.9-slim-bookworm
LABEL org.opencontainers.image.title="itcare-gateway" \
      org.opencontainers.image.description="GraphQL gateway over the ITCare resource model"
# PostgreSQL wants its user to have a name.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin itcare \
    && install -d -o itcare -g itcare -m 0700 /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ITCARE_DATA_DIR=/data ITCARE_LOG_JSON=1
USER itcare
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"ITCARE_PORT\", 8000)}/healthz', timeout=4)"]
ENTRYPOINT ["itcare-gateway"]
CMD ["serve", "--host", "0.0.0.0"]
