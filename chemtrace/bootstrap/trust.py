"""What the operator states that verifiers should pin: the trust file of this log, with the policy of its witnesses."""

from __future__ import annotations

from chemtrace.bootstrap.parts import log_vkey_of
from chemtrace.config import Settings
from chemtrace.core.bundle.trust import Trust, check_trust
from chemtrace.core.errors import LedgerMissingError, SettingError
from chemtrace.core.policy import Policy, parse_policy
from chemtrace.ledger.witnessing import Serving
from chemtrace.registry.state import Registry


def policy_text(settings: Settings) -> str | None:
    """The text of the policy file, None where no witness is asked; raises `SettingError` when it cannot be read."""
    if settings.policy is None:
        return None
    try:
        return settings.policy.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{settings.policy} cannot be read as text: {error}", setting="policy", path=str(settings.policy)
        ) from error


def load_policy(settings: Settings) -> Policy | None:
    """The policy of the settings, None without one; raises `SettingError`, `PolicyFormatError`."""
    text = policy_text(settings)
    return None if text is None else parse_policy(text)


def load_serving(settings: Settings) -> Serving:
    """Which checkpoint is shown as the newest, as the settings say; raises as `load_policy`."""
    return Serving(load_policy(settings), required=settings.witness_mode == "required")


def stated_trust(settings: Settings, registry: Registry, origin: str) -> Trust:
    """The trust file as the operator states it; a verifier takes it from somebody it trusts, not from here.

    Raises:
        LedgerMissingError: the log has no authority yet.
        TrustFormatError, PolicyFormatError: mirrors and policy of the settings do not fit together.
    """
    founder = next((key for key in registry.books.keys.values() if key.from_index == 0), None)
    if founder is None:
        raise LedgerMissingError("this log has no authority yet")
    trust = Trust(
        authority=founder.kid,
        log=log_vkey_of(registry, origin),
        max_age_s=settings.proof_max_age_s,
        mirrors=settings.mirrors,
        origin=origin,
        policy=policy_text(settings),
    )
    check_trust(trust)
    return trust
