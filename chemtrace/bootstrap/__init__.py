"""The composition root: settings in, a wired application out. The only place that knows all adapters.

Doors get what they need of adapters through the names here.
"""

from chemtrace.adapters import importer_keys, labels, maintenance, spreadsheets
from chemtrace.adapters.accepting import accept_published_head
from chemtrace.adapters.clock import DemoClock, SystemClock
from chemtrace.adapters.keys.files import load_private_key, store_private_key, store_secret
from chemtrace.adapters.lock import running_server
from chemtrace.adapters.logs import configure_logs
from chemtrace.bootstrap.application import Application
from chemtrace.bootstrap.founding import InitResult, init_ledger
from chemtrace.bootstrap.opening import open_application, opened_tokens

__all__ = [
    "Application",
    "DemoClock",
    "InitResult",
    "SystemClock",
    "accept_published_head",
    "configure_logs",
    "importer_keys",
    "init_ledger",
    "labels",
    "load_private_key",
    "maintenance",
    "open_application",
    "opened_tokens",
    "running_server",
    "spreadsheets",
    "store_private_key",
    "store_secret",
]
