# firstreply in a container: docker build --tag firstreply .
#
# Base images are pinned by version; add the digest of the ones you verified
# (docker buildx imagetools inspect IMAGE). Runs as user 65532 and writes no file, so start it with
# --read-only --cap-drop ALL --security-opt no-new-privileges. Builds for amd64 and arm64.

# The same Python at the same place, once with a C compiler.
ARG BUILDER=python:3.13.9-trixie
ARG PYTHON=python:3.13.9-slim-trixie

# hadolint ignore=DL3006
FROM ${BUILDER} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The locked packages first: this layer is built anew only when they change.
COPY requirements/lock.txt requirements/build.txt requirements/compile.txt requirements/
RUN python -m venv --without-pip /opt/firstreply \
    && pip --python /opt/firstreply install --require-hashes --only-binary :all: \
        --requirement requirements/lock.txt \
    && pip install --require-hashes --requirement requirements/build.txt \
        --requirement requirements/compile.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY service service
# The hot modules are compiled, or the build fails.
RUN FIRSTREPLY_COMPILE=1 pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/firstreply install --no-deps /wheels/*.whl

# hadolint ignore=DL3006
FROM ${PYTHON}
COPY --from=build /opt/firstreply /opt/firstreply
ENV PATH=/opt/firstreply/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FIRSTREPLY_HTTP__HOST=0.0.0.0
USER 65532:65532
EXPOSE 9464
# Whether it lives. Whether it is ready is for who sends people there: leave out --live.
HEALTHCHECK --interval=15s --timeout=10s --start-period=15s --retries=4 \
    CMD ["firstreply", "healthcheck", "--live"]
ENTRYPOINT ["firstreply"]
CMD ["run"]
