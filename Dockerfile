# syntax=docker/dockerfile:1
# The package with its quickstart, on the CPU by default:
#
#   docker build --tag scaling .
#   docker run --rm --volume "$PWD/artifacts:/work/artifacts" scaling run configs/quickstart.yaml
#
# With the libraries of a CUDA version that PyTorch has wheels for:
#
#   docker build --tag scaling-cuda --build-arg DEVICE=cu130 .
#   docker run --rm --gpus all scaling-cuda plan configs/quickstart.yaml
FROM python:3.11-slim

ARG DEVICE=cpu

WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY analysis analysis
COPY scaling scaling
RUN pip install --no-cache-dir --constraint constraints.txt \
    --extra-index-url "https://download.pytorch.org/whl/${DEVICE}" '.[quickstart,cloud]'

# Studies are read and results are written here, not as root.
RUN useradd --create-home --uid 1000 scaling && mkdir --parents /work/artifacts && chown --recursive scaling /work
WORKDIR /work
COPY --chown=scaling configs configs
USER scaling
RUN scaling plan configs/quickstart.yaml

ENTRYPOINT ["scaling"]
CMD ["--help"]
