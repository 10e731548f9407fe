"""Corpus jobs: many rows into Parquet parts, each row exactly once, whatever interrupts them."""

from poolwise.jobs.job import Shard, run_job
from poolwise.jobs.request import JobOptions, JobRequest
from poolwise.jobs.result import CorpusResult

__all__ = ["CorpusResult", "JobOptions", "JobRequest", "Shard", "run_job"]
