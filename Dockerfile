# The server with the shipped model inside: docker build -t normgate . && docker run -p 8080:8080 normgate
#
# Two stages: one that builds, one that has only what runs. The cache mounts, for which Docker needs BuildKit (buildx),
# keep compiled dependencies between builds, so a change to our own code rebuilds only our own code.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src

# Before the source: it changes only when the pinned version does, or how it is fetched.
COPY scripts/fetch-onnxruntime scripts/wheels.py scripts/requirements-onnxruntime.txt scripts/
RUN scripts/fetch-onnxruntime /out

COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package normgate \
 && scripts/third-party-licences > /out/third-party-licences.txt \
 && cp "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" /out/rust-licences.html \
 && cp target/release/normgate LICENSE-APACHE LICENSE-MIT \
      evaluation/src/reports/plots/fonts/LICENSE-OFL /out/

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Normgate" \
      org.opencontainers.image.description="Classifies images and knows when it should not" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

# The server looks for the library beside its executable.
COPY --from=build /out /opt/normgate
COPY models/cifar10-lt.onnx /models/

# The health check has an address of its own, which clients cannot fill; /metrics is at both.
ENV PATH="/opt/normgate:$PATH" \
    NORMGATE_LISTEN=0.0.0.0:8080 \
    NORMGATE_PROBE_LISTEN=127.0.0.1:8081 \
    NORMGATE_MODEL=/models/cifar10-lt.onnx \
    NORMGATE_LOG_FORMAT=json
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["normgate", "health"]
ENTRYPOINT ["normgate"]
CMD ["serve"]
