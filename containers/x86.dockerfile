# thermal-edge on a PC without a GPU: ONNX Runtime. From the top of the repository:
#   docker build -f containers/x86.dockerfile -t thermal-edge .
#   docker run --rm thermal-edge demo --frames 8 --out /flights/demo
FROM debian:bookworm-slim

# libgl1, libglib2.0-0: for OpenCV
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes ca-certificates libgl1 libglib2.0-0 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

COPY . /tmp/thermal-edge
RUN /tmp/thermal-edge/install.sh --no-jetson && rm -rf /tmp/thermal-edge /root/.cache

# the groups of the host's devices are given to docker run by --group-add
RUN useradd --uid 2000 --create-home thermal-edge && mkdir /flights && chown thermal-edge /flights
USER 2000
WORKDIR /flights
VOLUME ["/flights"]

ENTRYPOINT ["/opt/thermal-edge/bin/edge"]
CMD ["doctor"]
