# One image for Prefect's server, the worker and what deploys: the code lies in /app in all of them, which is what
# `prefect deploy` notes. Nothing secret goes in: .dockerignore lets in what is named there, and passwords come with
# the environment.
# A tag may come to name another image. To have this one for good, give its digest: docs/servers.md says how.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.lock .
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .

FROM ${BASE}
RUN useradd --uid 10001 --create-home chandlery \
    && install -d -o chandlery /home/chandlery/.prefect
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DO_NOT_TRACK=1
WORKDIR /app
USER chandlery
CMD ["chandlery", "--help"]
