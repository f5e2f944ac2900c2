"""The whole error tree of chemtrace; every parser and verifier lets out only these.

::

    ChemtraceError                        code, message, fields (both sides of a mismatch)
    +-- RefusedError                      the sender's fault: what was handed in is not accepted
    |   +-- FormError                     malformed: not what the contract describes
    |   +-- TooLargeError                 beyond a stated limit
    |   +-- IdentityError                 the key is unknown, revoked, weak or somebody else's
    |   +-- SignatureError                a signature, proof or root does not verify
    |   +-- ConflictError                 it contradicts what the ledger already holds
    |   +-- RuleError                     a rule of law or business refuses it (rule_id, sides)
    |   +-- NotFoundError                 there is no such thing
    |   +-- AccessError                   the caller may not do this
    |   +-- RateLimitedError              too much at once; wait and send again
    +-- UnavailableError                  try again or repair the machine: busy, full, locked, missing part
    +-- EvidenceError                     our own records contradict themselves: stop writing, call a person

Each class has a stable `code`, given in its class line and never changed once released.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar


def _plain(value: object) -> object:
    """Turn a field into something JSON can carry: bytes as lowercase hex, decimals as text."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return format(value, "f") if isinstance(value, Decimal) else str(value)


class ChemtraceError(Exception):
    """Base of every error raised on purpose: a stable code, a message for people, fields for programs."""

    code: ClassVar[str] = "error"

    def __init_subclass__(cls, *, code: str = "", **rest: object) -> None:
        """Take the stable code from the class line."""
        super().__init_subclass__(**rest)
        if code:
            cls.code = code

    def __init__(self, message: str, **fields: object) -> None:
        """Keep what was wrong and what to do (`message`) and both sides of it (`fields`); no secrets in either."""
        super().__init__(message)
        self.message = message
        self.fields: Mapping[str, object] = fields

    def problem(self) -> dict[str, object]:
        """Return `{code, detail, fields}` with JSON values only; doors build their answers from it."""
        return {
            "code": self.code,
            "detail": self.message,
            "fields": {name: _plain(value) for name, value in self.fields.items()},
        }


class RefusedError(ChemtraceError, code="refused"):
    """What was handed in is not accepted; nothing was changed."""


class UnavailableError(ChemtraceError, code="unavailable"):
    """The work could not be done now; the same call may succeed later."""


class EvidenceError(ChemtraceError, code="evidence"):
    """Our own records contradict themselves: writing must stop until a person has looked."""


class FormError(RefusedError, code="refused.form"):
    """Malformed input."""


class TooLargeError(RefusedError, code="refused.too-large"):
    """Input beyond a stated limit; fields name `size` and `limit`."""


class IdentityError(RefusedError, code="refused.identity"):
    """The key named is not one that may speak here."""


class SignatureError(RefusedError, code="refused.signature"):
    """A signature, proof or root does not verify."""


class ConflictError(RefusedError, code="refused.conflict"):
    """It contradicts what the ledger already holds."""


class RuleError(RefusedError, code="rule.refused"):
    """A rule refuses a normal event; fields hold `rule_id` and `sides` (what was found, what the rule allows).

    Its problem carries the rule's own id as code (docs/reference/rules.md).
    """

    def problem(self) -> dict[str, object]:
        """Return the problem under the id of the rule that refuses."""
        rule = self.fields.get("rule_id")
        return super().problem() | ({"code": rule} if isinstance(rule, str) else {})


class NotFoundError(RefusedError, code="refused.not-found"):
    """There is no such thing."""


class AccessError(RefusedError, code="refused.access"):
    """The caller may not do this."""


class RateLimitedError(RefusedError, code="refused.rate"):
    """Too much at once; field `retry_after_s` says when to come back."""


# --- form: canonical JSON (RFC 8785, restricted) ---------------------------------------------------------


class JSONSyntaxError(FormError, code="json.syntax"):
    """The bytes are not JSON in UTF-8."""


class JSONCanonicalError(FormError, code="json.not-canonical"):
    """The bytes differ from their canonical form: order, spaces, escapes, duplicate keys."""


class JSONFloatError(FormError, code="json.float"):
    """A number with a fraction or exponent; quantities are decimal strings."""


class JSONIntegerError(FormError, code="json.integer-range"):
    """An integer beyond 2^53 - 1 in size."""


class JSONKeyError(FormError, code="json.key-not-ascii"):
    """A member name that is not ASCII."""


class JSONDepthError(FormError, code="json.depth"):
    """Nested deeper than 32 levels."""


class JSONTooLargeError(TooLargeError, code="json.too-large"):
    """More bytes than the caller allows for this document."""


# --- form: statements ------------------------------------------------------------------------------------


class HeaderError(FormError, code="header.invalid"):
    """A header member is missing, unknown or has a wrong form."""


class HeaderTooLargeError(TooLargeError, code="header.too-large"):
    """A header beyond 48 KiB."""


class PayloadError(FormError, code="payload.invalid"):
    """The payload breaks its schema; fields: `field` path, `expected`, `found`."""


class PayloadTooLargeError(TooLargeError, code="payload.too-large"):
    """A payload beyond 256 KiB."""


class PayloadDigestError(FormError, code="payload.digest-mismatch"):
    """The payload's digest or size is not the one the header signs."""


class OpeningError(FormError, code="opening.mismatch"):
    """An opening whose digest stands nowhere in the payload."""


class WireError(FormError, code="wire.invalid"):
    """The wire object or its base64url is malformed."""


class WireTooLargeError(TooLargeError, code="wire.too-large"):
    """A wire object beyond its limit."""


class SubjectError(FormError, code="subject.invalid"):
    """A subject id that is not in its one canonical spelling."""


class EntryFormatError(FormError, code="entry.format"):
    """Bytes that are not a log entry."""


class TimeFormatError(FormError, code="time.format"):
    """Not an RFC 3339 time with an offset between 1970 and 9999."""


class QuantityError(FormError, code="quantity.invalid"):
    """Not a canonical decimal string, or a result below zero or beyond 12 integer digits."""


class UnitError(FormError, code="quantity.unit"):
    """An unknown unit code, or two units of different dimensions."""


# --- form: notes, checkpoints, proofs, receipts, keys ----------------------------------------------------


class NoteFormatError(FormError, code="note.format"):
    """Not a C2SP signed note, or not a verifier key."""


class CheckpointError(FormError, code="checkpoint.invalid"):
    """Not a C2SP checkpoint, or one of another origin."""


class EpochFormatError(FormError, code="epoch.format"):
    """Not an epoch record."""


class ReceiptFormatError(FormError, code="receipt.format"):
    """Not a receipt."""


class ProofShapeError(FormError, code="proof.shape"):
    """A proof with the wrong number or size of hashes, or sizes that make no sense."""


class SPKIError(FormError, code="key.spki"):
    """Not the SubjectPublicKeyInfo DER of a key of a registered algorithm."""


class KeyRequestError(FormError, code="key.request"):
    """Not a key request."""


class KeyFileError(FormError, code="key.file"):
    """Not a PKCS#8 private key, or a wrong passphrase."""


# --- identity --------------------------------------------------------------------------------------------


class KeyUnknownError(IdentityError, code="key.unknown"):
    """No such key is registered."""


class KeyRevokedError(IdentityError, code="key.revoked"):
    """The key was declared compromised."""


class KeyRetiredError(IdentityError, code="key.retired"):
    """The key is retired and its grace is over."""


class KeyForeignError(IdentityError, code="key.foreign"):
    """The key of one enterprise signed for another; fields `owner`, `claimed`."""


class KeyRoleError(IdentityError, code="key.role"):
    """The key's role may not sign this kind of event."""


class KeyWeakError(IdentityError, code="key.weak"):
    """A public key of low order or in a non-canonical encoding."""


# --- signature -------------------------------------------------------------------------------------------


class SignatureInvalidError(SignatureError, code="signature.invalid"):
    """The signature does not verify under the key and algorithm."""


class SignatureCountError(SignatureError, code="signature.count"):
    """Not exactly one signature for each signer, in order."""


class NoteSignatureError(SignatureError, code="note.signature"):
    """A note without a valid signature of the wanted verifier."""


class RootMismatchError(SignatureError, code="proof.root-mismatch"):
    """The proof leads to another root; fields `expected`, `computed`."""


# --- conflict, not found, access, rate -------------------------------------------------------------------


class PrevUnknownError(ConflictError, code="prev.unknown"):
    """The subject never had this predecessor; fields `subject`, `prev`, `heads`."""


class PrevStaleError(ConflictError, code="prev.stale"):
    """A kind that must be in order named an older predecessor; fields `subject`, `prev`, `heads`."""


class KeyTakenError(ConflictError, code="key.taken"):
    """The key is registered already: one key, one party."""


class EventNotFoundError(NotFoundError, code="event.not-found"):
    """No event with this id."""


class TokenError(AccessError, code="access.token"):
    """No token, or one that is not valid here."""


class RateLimitError(RateLimitedError, code="rate.limited"):
    """The caller's share of the service is used up for now."""


# --- unavailable -----------------------------------------------------------------------------------------


class LedgerLockedError(UnavailableError, code="ledger.locked"):
    """Another process writes this ledger."""


class LedgerBusyError(UnavailableError, code="ledger.busy"):
    """The ledger did not get to it in time."""


class StorageFullError(UnavailableError, code="storage.full"):
    """The disk is full; nothing was changed."""


class StorageAccessError(UnavailableError, code="storage.access"):
    """This user may not read or write the data folder or the database, or its server lets nobody in; no change."""


class OutputFileError(UnavailableError, code="output.file"):
    """A file could not be written where it was asked for; fields `file`, `reason`."""


class LibraryMissingError(UnavailableError, code="library.missing"):
    """A system library or optional part is not on this machine."""


class DataFilesError(UnavailableError, code="data.missing"):
    """This installation lacks a folder that travels with the program; fields `name`, `places`."""


# --- evidence --------------------------------------------------------------------------------------------


class EntryCorruptError(EvidenceError, code="evidence.entry"):
    """A stored entry is not what its leaf hash says."""


class ChainBrokenError(EvidenceError, code="evidence.chain"):
    """The chain over the leaves differs from the recorded one."""


class TreeBrokenError(EvidenceError, code="evidence.tree"):
    """Stored tiles or roots differ from the recomputed ones."""


class EpochBrokenError(EvidenceError, code="evidence.epoch"):
    """An epoch record contradicts the entries before it."""


class IndexGapError(EvidenceError, code="evidence.index-gap"):
    """An index is missing or taken twice."""


class CheckpointMismatchError(EvidenceError, code="evidence.checkpoint"):
    """A signed checkpoint and the stored log disagree."""


class GuardMissingError(EvidenceError, code="evidence.guard"):
    """An append-only guard of the database is gone."""


class DatabaseDamagedError(EvidenceError, code="evidence.database"):
    """The database file is damaged, or is no database; the runbook "chain break" says what to do."""


# --- form: codes, seals, serials, catalogue, labels ------------------------------------------------------


class CodeFormatError(FormError, code="code.format"):
    """Not a trace code: wrong length, or a sign that may not stand there; field `position` counts from 1."""


class CodeVersionError(FormError, code="code.version"):
    """The form of a trace code, but of another city or version."""


class CodeCheckError(FormError, code="code.check"):
    """The check sign of a trace code does not fit; fields `got`, `expected`."""


class CreditCodeError(FormError, code="credit-code.invalid"):
    """Not a unified social credit code (GB 32100)."""


class SealError(FormError, code="seal.invalid"):
    """A seal is malformed or not the one of its code; no field ever carries a seal."""


class MasterKeyError(FormError, code="master-key.invalid"):
    """A master or issuer key of the wrong size; no field ever carries the key."""


class SerialRangeError(FormError, code="serial.range"):
    """A serial counter outside 0 to 31^7 - 1."""


class CatalogueError(FormError, code="catalogue.invalid"):
    """A catalogue of chemicals breaks its schema or one of its rules; fields `field`, both sides."""


class LabelError(FormError, code="label.invalid"):
    """A label cannot be drawn as asked: content, size or resolution."""


class LabelFontError(UnavailableError, code="label.font"):
    """No usable font with Chinese glyphs is on this machine; says which package brings one."""


# --- doors -----------------------------------------------------------------------------------------------


class BodyTooLargeError(TooLargeError, code="request.too-large"):
    """A request body beyond the cap of its route; field `limit` in bytes."""


class MediaTypeError(FormError, code="request.media-type"):
    """A request body of a content type that is not taken here; fields `found` and `expected`."""


class CrossSiteError(AccessError, code="access.cross-site"):
    """A form that was sent from a page of another site; fields `found`, `expected`."""


class CursorError(FormError, code="request.cursor"):
    """A paging cursor that this interface did not give out."""


# --- backup ----------------------------------------------------------------------------------------------


class BackupInvalidError(EvidenceError, code="backup.invalid"):
    """A backup is not what its manifest says, or its database is damaged; fields hold both sides."""


class BackupMissingError(NotFoundError, code="backup.not-found"):
    """The folder named is no backup: it holds no manifest."""


class BackupTargetError(ConflictError, code="backup.target"):
    """The place to write to holds something already; nothing there was touched."""


class BackupUnsupportedError(UnavailableError, code="backup.unsupported"):
    """This database is backed up with its own tools; the message names the commands."""


class BackupStaleError(ConflictError, code="backup.stale"):
    """The backup ends before a checkpoint that was published: writing on would fork the log."""


# --- registry, admission, installation -------------------------------------------------------------------


class SchemaVersionError(UnavailableError, code="database.schema"):
    """The database has another schema than this program; fields `found`, `expected`."""


class LedgerMissingError(UnavailableError, code="ledger.missing"):
    """There is no ledger in this data folder; `chemtrace init` makes one."""


class LedgerExistsError(ConflictError, code="ledger.exists"):
    """The data folder holds something already; a ledger starts in an empty one."""


class LedgerStoppedError(UnavailableError, code="ledger.stopped"):
    """The ledger has stopped writing after its records contradicted themselves, or is closing."""


class KeyFileModeError(UnavailableError, code="key.file-mode"):
    """A private key file cannot be read, or can be read by others."""


class KeyFileMissingError(UnavailableError, code="key.file-missing"):
    """A private key file is not on this machine; the runbook "key lost" says what to do when it is nowhere."""


class SettingError(UnavailableError, code="setting.invalid"):
    """A setting is missing or outside its bounds; fields `setting`, `found`."""


class ClockError(EvidenceError, code="evidence.clock"):
    """The clock stands before the last log time; fields `now`, `log_time`."""


class CheckpointForkError(EvidenceError, code="evidence.fork"):
    """The vault was asked to sign a tree that does not contain the last one it signed."""


class VaultLostError(EvidenceError, code="evidence.vault-lost"):
    """Signed checkpoints stand here, but the vault does not know what it signed last (`signed_size`: of the newest).

    `chemtrace db accept-head` gives it a memory again; the runbook on restoring says when that may be done.
    """


class VaultMemoryError(ConflictError, code="vault.memory"):
    """The vault knows what it signed last: nothing else is accepted in its place; `signed_size`, `signed_root`."""


class EnterpriseUnknownError(IdentityError, code="enterprise.unknown"):
    """The enterprise is not registered, or closed."""


class RegistryConflictError(ConflictError, code="registry.conflict"):
    """A record of the authority contradicts what is registered; fields name both sides."""


class PossessionError(SignatureError, code="key.possession"):
    """A key was registered without proof that its holder has it."""


class AlertUnknownError(NotFoundError, code="alert.not-found"):
    """No alert with this id."""


class AlertAmbiguousError(ConflictError, code="alert.ambiguous"):
    """Several alerts begin with these digits; field `candidates` lists them."""


class CheckpointMissingError(NotFoundError, code="checkpoint.not-found"):
    """No checkpoint has been published yet."""


class EntryUnknownError(NotFoundError, code="entry.not-found"):
    """The log has no entry at this index, or no checkpoint covers it yet."""


class ItemUnknownError(NotFoundError, code="item.not-found"):
    """No event of this ledger names this code."""


class WaybillUnknownError(NotFoundError, code="waybill.not-found"):
    """No waybill with this number."""


class EnterpriseNotFoundError(NotFoundError, code="enterprise.not-found"):
    """No event of this ledger names this party."""


class SiteNotFoundError(NotFoundError, code="site.not-found"):
    """No site with this id."""


# --- scanners --------------------------------------------------------------------------------------------


class ImageInvalidError(FormError, code="image.invalid"):
    """Not a picture that can be opened: missing, damaged, or of an unknown format."""


class ImageTooLargeError(TooLargeError, code="image.too-large"):
    """A picture beyond the limit of bytes or pixels; fields `size`, `limit`, `unit`."""


class CameraError(UnavailableError, code="camera.unavailable"):
    """No camera, or no software to use it; says what to do instead."""


class ServerRefusedError(RefusedError, code="server.refused"):
    """The ledger answered with a problem; fields `status`, `remote_code`, `remote` (the problem document)."""


class ServerUnavailableError(UnavailableError, code="server.unavailable"):
    """The ledger could not be reached or could not answer now; send the same again later."""


class ServerAnswerError(EvidenceError, code="server.answer"):
    """The ledger's answer cannot be trusted: a receipt, proof or document that does not verify or is malformed."""


class OutboxError(UnavailableError, code="outbox.unavailable"):
    """The outbox file cannot be opened or written."""


# --- imports ---------------------------------------------------------------------------------------------


class MappingError(FormError, code="import.mapping"):
    """A mapping file breaks its form or contradicts the ledger; fields say where, with both sides."""


class SpreadsheetError(FormError, code="import.spreadsheet"):
    """A spreadsheet cannot be read: missing, damaged, of an unknown format, or without a column that is mapped."""


class RowError(FormError, code="import.row"):
    """A row of a spreadsheet is no event; field `reason` is a stable word for why."""


class AuditStateError(FormError, code="audit.state"):
    """A file that should hold the state of an audit holds another thing, or that of another ledger or version."""


# --- bundles, status proofs and trust --------------------------------------------------------------------


class ProofFileError(UnavailableError, code="proof.file"):
    """A proof file cannot be read from this machine's disk."""


class BundleTooLargeError(TooLargeError, code="bundle.too-large"):
    """A history is too long for one bundle; fields `size`, `limit`, `unit`."""


class SubjectUnknownError(NotFoundError, code="subject.not-found"):
    """No published entry names this subject; `size` is how many entries are published. Its absence can be proved."""


class SubjectKnownError(ConflictError, code="subject.known"):
    """Published entries name this subject: its absence cannot be proved."""


class MapMissingError(UnavailableError, code="map.not-ready"):
    """The newest checkpoint was published before the log had a map of subjects: publish once more."""


class BundleFormatError(FormError, code="bundle.format"):
    """Not a bundle or status proof in its one spelling."""


class CBORError(FormError, code="cbor.invalid"):
    """Not deterministic CBOR, or not of the form asked for."""


class Base45Error(FormError, code="base45.invalid"):
    """Not base45 text."""


class TrustFormatError(FormError, code="trust.format"):
    """Not a trust file: what a verifier pins is unclear."""


class PolicyFormatError(FormError, code="policy.format"):
    """Not a policy of logs, witnesses and quorum."""


class MapProofError(SignatureError, code="map.proof"):
    """A path through the map does not fit, or leads to another root."""


class EventOmittedError(SignatureError, code="bundle.event-omitted"):
    """A history shows another number of events, or another last index, than the map commits."""


class SubjectRootError(SignatureError, code="bundle.subject-root"):
    """The events shown do not give the root that the map commits: changed, exchanged or reordered."""


class EventOrderError(SignatureError, code="bundle.order"):
    """The events of a history do not stand in the order of the log, or one names another subject."""


class SectionMissingError(SignatureError, code="bundle.section-missing"):
    """A history that the verdict needs (a signer's key, the authority's keys) is not in the bundle."""


class SignatureUnneededError(SignatureError, code="bundle.signature-unneeded"):
    """A checkpoint in a bundle carries a signature that the policy does not need."""


class PolicyUnmetError(SignatureError, code="policy.unmet"):
    """The witnesses that the policy asks for have not cosigned."""


class ProofStaleError(SignatureError, code="bundle.stale"):
    """A proof is older than the verifier accepts."""


class KeyEarlyError(IdentityError, code="key.before-registration"):
    """A key signed an entry that stands before its registration."""


# --- witnesses, mirrors, monitors, anchors ---------------------------------------------------------------


class TilePathError(NotFoundError, code="tile.path"):
    """Not the path of a tile or entry bundle of C2SP tlog-tiles."""


class TileUnknownError(NotFoundError, code="tile.not-found"):
    """No published checkpoint covers this tile or bundle, or the width is not one of 1 to 255."""


class WitnessRequestError(FormError, code="witness.request"):
    """Not an add-checkpoint request of C2SP tlog-witness."""


class WitnessUnknownLogError(NotFoundError, code="witness.unknown-log"):
    """The witness does not know this origin."""


class WitnessUntrustedError(AccessError, code="witness.untrusted"):
    """No key that the witness trusts for this origin has signed the checkpoint."""


class WitnessConflictError(ConflictError, code="witness.conflict"):
    """The old size is not the size that the witness cosigned last."""


class WitnessProofError(SignatureError, code="witness.proof"):
    """The consistency proof to the witness does not verify."""


class WitnessUnavailableError(UnavailableError, code="witness.unavailable"):
    """A witness does not answer, or answers what is no cosignature."""


class MirrorBehindError(UnavailableError, code="mirror.behind"):
    """The mirror has not recomputed this far yet; it cosigns nothing that it has not recomputed."""


class WitnessForgedError(EvidenceError, code="evidence.witness-forged"):
    """A cosignature under a known witness's name does not verify."""


class SplitViewError(EvidenceError, code="evidence.split-view"):
    """Two checkpoints signed by the log contradict each other; both are kept as evidence."""


class RollbackError(EvidenceError, code="evidence.rollback"):
    """The log shows a smaller tree than it has shown before."""


class LogTruncatedError(EvidenceError, code="evidence.truncated"):
    """The log does not give all entries or tiles that its checkpoint covers."""


class MapBrokenError(EvidenceError, code="evidence.map"):
    """The map root of an epoch is not the fold of the entries before it."""


class PrevBrokenError(EvidenceError, code="evidence.prev"):
    """An admitted event names a predecessor that its subject never had, or out of order where order is demanded."""


class SignerBrokenError(EvidenceError, code="evidence.signer"):
    """An admitted entry is signed by a key that could not sign it there, or not signed by it; see field `reason`."""


class AdmissionBrokenError(EvidenceError, code="evidence.admission"):
    """The log holds an entry that its own contract refuses; field `reason` is the code of what refuses it."""


class ErasureUnloggedError(EvidenceError, code="evidence.erasure"):
    """Something erased has no erasure event in the log."""


class PromiseBrokenError(EvidenceError, code="evidence.promise"):
    """An entry that was promised by a signature is not in the log after the maximum delay."""


class ForeignEventError(EvidenceError, code="evidence.foreign-event"):
    """The log holds an event in an enterprise's name that it did not sign."""


class LogSilentError(ConflictError, code="log.silent"):
    """The newest checkpoint of a log is older than a monitor accepts: whoever hides something may simply stop."""


class VerifiersDisagreeError(EvidenceError, code="evidence.verifiers-disagree"):
    """Two signature libraries give different answers about one signature."""


class StaleLeaderError(EvidenceError, code="evidence.stale-leader"):
    """Another writer has published beyond what this one knows; it must not sign any more."""


class AnchorInvalidError(SignatureError, code="anchor.invalid"):
    """A timestamp does not verify, or is over something else."""


class AnchorUnavailableError(UnavailableError, code="anchor.unavailable"):
    """The timestamp service does not answer."""
