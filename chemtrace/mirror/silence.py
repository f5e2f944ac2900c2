"""How old what a log shows is: whoever hides something may simply stop publishing."""

from __future__ import annotations

from chemtrace.core.entry import is_epoch_header, parse_entry
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import EvidenceError, LogSilentError, RefusedError
from chemtrace.core.times import format_utc
from chemtrace.mirror.views import View


def read_log_time(body: bytes) -> int:
    """Log time of an epoch record (µs UTC), 0 for any other entry; what is malformed is a finding elsewhere."""
    try:
        header = parse_entry(body).header_bytes
        return parse_epoch(header).log_time_us if is_epoch_header(header) else 0
    except (RefusedError, EvidenceError):
        return 0


def silence(view: View, log_time_us: int, limit_us: int) -> LogSilentError:
    """The finding of one silence: no field moves while it lasts, so that it is kept once."""
    limit_s = limit_us // 1_000_000
    return LogSilentError(
        f"the newest checkpoint is of {format_utc(log_time_us)}, and no newer one came within {limit_s} seconds:"
        " ask the operator why; something may be hidden behind it",
        size=view.checkpoint.size,
        log_time=format_utc(log_time_us),
        limit_s=limit_s,
    )
