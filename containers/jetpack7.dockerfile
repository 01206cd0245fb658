# thermal-edge on a Jetson with JetPack 7, whose containers are those of any ARM server (SBSA): TensorRT 10.13, CUDA 13.0, Python 3.12. On
# the board, at the top of the repository:
#   docker build -f containers/jetpack7.dockerfile -t thermal-edge .
# It was never built on a board. An engine is built in the container that flies it: another TensorRT does not take it.
FROM nvcr.io/nvidia/tensorrt:25.08-py3

# libgl1, libglib2.0-0t64: for OpenCV
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libgl1 libglib2.0-0t64 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# pip's OpenCV, as the image has none: no gst: sources; numpy stays below 2, as on the board itself
COPY . /tmp/thermal-edge
RUN /tmp/thermal-edge/install.sh --jetson \
    && /opt/thermal-edge/bin/pip install --no-cache-dir 'opencv-python>=4.8,<4.12' 'numpy<2' \
    && rm -rf /tmp/thermal-edge /root/.cache

# the groups of the board's devices are given to docker run by --group-add
RUN useradd --uid 2000 --create-home thermal-edge && mkdir /flights && chown thermal-edge /flights
USER 2000
WORKDIR /flights
VOLUME ["/flights"]

ENTRYPOINT ["/opt/thermal-edge/bin/edge"]
CMD ["doctor"]
