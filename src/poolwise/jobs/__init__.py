"""Corpus jobs: many rows into Parquet parts, each row exactly once, whatever interrupts them."""

from poolwise.jobs.job import Shard, in_workers, run_job
from poolwise.jobs.making import make_parts
from poolwise.jobs.request import JobOptions, JobRequest
from poolwise.jobs.result import CorpusResult
from poolwise.jobs.update import update_job

__all__ = [
    "CorpusResult",
    "JobOptions",
    "JobRequest",
    "Shard",
    "in_workers",
    "make_parts",
    "run_job",
    "update_job",
]
