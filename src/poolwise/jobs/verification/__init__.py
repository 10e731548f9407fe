"""Whether a job's parts are what was made, said exactly; and wrong ones made again."""

from poolwise.jobs.verification.result import VerifyResult
from poolwise.jobs.verification.verify import verify_job

__all__ = ["VerifyResult", "verify_job"]
