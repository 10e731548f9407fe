"""The server as a deployment of Ray Serve.

    pip install 'poolwise[serve]' 'ray[serve]'
    POOLWISE_MODEL=./my-bert POOLWISE_READOUTS='mean@-1 cls@-2|l2' serve run ray_serve:deployment

Ray starts the replicas, watches them and sends them requests; each has a model, a queue and its
batches of its own. Clients speak to Ray's port, 8000, as they would to ``poolwise serve``.
"""

import os

from ray import serve

from poolwise.serving import app, serve_model

MODEL = os.environ.get("POOLWISE_MODEL", "demo")
READOUTS = os.environ.get("POOLWISE_READOUTS", "").split()


def application():
    """The ASGI application, made in the replica, where its lifespan starts the thread."""
    return app(serve_model(MODEL, READOUTS))


@serve.deployment(
    ray_actor_options={"num_cpus": 1},
    max_replicas_per_node=1,  # a replica computes with every core of its node
    max_ongoing_requests=512,  # its queue makes batches of them, and refuses what is too much
    graceful_shutdown_timeout_s=35,
)
@serve.ingress(application)
class Poolwise:
    """Nothing beside the application."""


deployment = Poolwise.bind()
