# The image: the exporter, the libraries that it loads, certificates, and nothing else. For amd64 and arm64, each built on its own
# platform:
#
#   docker build --build-arg REVISION="$(git rev-parse --short=12 HEAD)" \
#       --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --tag nectar-exporter .
#
# The same source and base make the same files, since paths, times and versions are fixed; to have the same digest as well, name the base
# by its digest, and let the builder set the times of its layers (buildah: --timestamp, BuildKit: --output with rewrite-timestamp=true).

# Any Debian with a Rust of Cargo.toml's rust-version or later. The update bot finds a version only behind FROM.
# Buildah before 1.29 needs `--build-arg BUILD_BASE=rust`: it does not see that the default is a stage.
ARG BUILD_BASE=rust
FROM rust:1.95-bookworm AS rust

FROM ${BUILD_BASE} AS build
WORKDIR /source
# "yes": takes target/release/nectar-exporter and target/package/licences.txt.gz as they are, and needs no Rust.
ARG PREBUILT=
# The tools have a layer of their own: a change of the source does not build them anew.
ENV CARGO_INSTALL_ROOT=/tools PATH="/tools/bin:$PATH"
COPY scripts/list-licences scripts/
RUN [ -n "$PREBUILT" ] || { cargo install --locked --quiet cargo-auditable@0.7.7 && ./scripts/list-licences; }
COPY . .
ARG REVISION=unknown
RUN [ -n "$PREBUILT" ] || { \
        rm -rf target && mkdir -p target/package && \
        NECTAR_EXPORTER_REVISION="$REVISION" cargo auditable build --release --locked && \
        ./scripts/list-licences target/package/licences.txt.gz; \
    }
ARG SOURCE_DATE_EPOCH=0
RUN SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
    packaging/image-root /image target/release/nectar-exporter target/package/licences.txt.gz

FROM scratch
COPY --from=build /image /
# Builders differ in whether they keep an owner.
COPY --from=build --chown=65532:65532 /image/var/lib/nectar-exporter /var/lib/nectar-exporter
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="nectar-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the connection and account statuses of Nectar" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
USER 65532:65532
EXPOSE 10942
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m CMD ["/usr/bin/nectar-exporter", "health"]
ENTRYPOINT ["/usr/bin/nectar-exporter"]
