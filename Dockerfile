# The gateway's image, and (`--target test`) one that runs the tests. Needs BuildKit, as in Docker 23 or newer.
#
# Compiled dependencies are kept in cache mounts. Compared with a stage that compiles the dependencies alone (cargo-chef,
# or a stub of main.rs), that needs no further tool and no list of the crate's targets, and a changed Cargo.lock compiles
# only what it changed. The price: a machine without the cache, such as a fresh CI runner, compiles everything.

FROM node:22-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,id=airgraph-npm,target=/root/.npm \
    npm ci --no-audit --no-fund
COPY docs/science.md /docs/science.md
COPY web ./
RUN npm run build

# Debian's release is that of the gateway's stage, for the C library. No rust-toolchain.toml gets in (.dockerignore):
# its `stable` is not what this image calls its toolchain, so rustup would download another.
FROM rust:1-slim-bookworm AS toolchain
WORKDIR /src
ENV AIRGRAPH_WEB_DIST=/web SQLX_OFFLINE=true

FROM toolchain AS build
COPY --from=web /web/dist /web
COPY . .
# Touched, because sources in a cached layer can be older than what the cache mount holds of a later state of them.
RUN --mount=type=cache,id=airgraph-crates,target=/usr/local/cargo/registry \
    --mount=type=cache,id=airgraph-release,target=/src/target \
    touch build.rs src/lib.rs src/main.rs crates/*/src/lib.rs \
    && cargo build --locked --release --features otlp \
    && cp target/release/airgraph /usr/local/bin/airgraph

# Compiles when it is run, with the volumes of docker-compose.yml as its cache. Runs as root, so that the tests of
# giving root up run too.
FROM toolchain AS test
# hadolint ignore=DL3008
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/airgraph.conf \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/*
COPY --from=web /web/dist /web
COPY . .
ENV CI=true
CMD ["sh", "-c", "find . -path ./target -prune -o -name '*.rs' -exec touch {} + && exec cargo test --locked"]

FROM debian:bookworm-slim AS gateway
LABEL org.opencontainers.image.title="airgraph" \
      org.opencontainers.image.description="A self-hosted GraphQL gateway over Postgres for air-quality sensors" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# Numbers, so that Kubernetes can see that it isn't root; a name, because Postgres asks for one.
RUN groupadd --gid 10001 airgraph \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/airgraph --create-home --shell /usr/sbin/nologin airgraph
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/airgraph/
COPY --from=build /usr/local/bin/airgraph /usr/local/bin/airgraph
# Authorities of TLS certificates, for object storage and traces.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 10001:10001
WORKDIR /var/lib/airgraph
ENV AIRGRAPH_LISTEN=0.0.0.0:8000 AIRGRAPH_LOG_FORMAT=json AIRGRAPH_DATA_DIR=/var/lib/airgraph MIMALLOC_ALLOW_THP=0
EXPOSE 8000
STOPSIGNAL SIGTERM
# The image has no curl; bash can do it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000; printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3; read -r status <&3; [[ $status == *' 200 '* ]]"]
ENTRYPOINT ["airgraph"]
CMD ["serve"]
