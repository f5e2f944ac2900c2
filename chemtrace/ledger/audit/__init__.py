"""Recompute the whole ledger from the bytes of its entries, and say where it first differs from what is stored."""

from chemtrace.ledger.audit.log import verify_log
from chemtrace.ledger.audit.port import AuditStore
from chemtrace.ledger.audit.report import AuditReport, Fault

__all__ = ["AuditReport", "AuditStore", "Fault", "verify_log"]
