# thermal-edge on a Jetson with JetPack 6.2: TensorRT 10.3, CUDA 12.6, Python 3.10. On the board, at the top of the repository:
#   docker build -f containers/jetpack6.dockerfile -t thermal-edge .
# It was never built on a board. Of the base image 6.2 has no tag of its own: r36.4.0 is that of JetPack 6.1 and 6.2.
FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0

# libgl1, libglib2.0-0: for OpenCV
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libgl1 libglib2.0-0 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# pip's OpenCV, as the image has none: no gst: sources, and numpy stays below 2 for TensorRT's binding
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
