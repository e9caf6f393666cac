# syntax=docker/dockerfile:1
# The package with its quickstart. PyTorch's ordinary wheels run on a CPU and, with --gpus, on a GPU:
#
#   docker build --tag scaling .
#   docker run --rm --volume "$PWD/artifacts:/work/artifacts" scaling run configs/quickstart.yaml
#   docker run --rm --gpus all scaling plan configs/quickstart.yaml
#
# A smaller image for CPUs, or one for another CUDA version, takes its wheels from an index that PyTorch's
# installation page names:
#
#   docker build --tag scaling-cpu --build-arg TORCH_INDEX=URL .
FROM python:3.11-slim

ARG TORCH_INDEX=

WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY analysis analysis
COPY scaling scaling
RUN pip install --no-cache-dir --constraint constraints.txt \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} '.[quickstart,cloud]'

# Studies are read and results are written here, not as root.
RUN useradd --create-home --uid 1000 scaling && mkdir --parents /work/artifacts && chown --recursive scaling /work
WORKDIR /work
COPY --chown=scaling configs configs
USER scaling
RUN scaling plan configs/quickstart.yaml

ENTRYPOINT ["scaling"]
CMD ["--help"]
