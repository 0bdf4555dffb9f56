"""Signed notes, checkpoints and cosignatures: FORMAT.md, section 4."""

import base64
import hashlib
import re

ED25519 = 1
COSIGNATURE = 4

_spaces = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | frozenset(map(chr, range(0x2000, 0x200B)))
_base64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def decode64(s):
    """Bytes of base64; None for anything else. Line ends in it are passed over."""
    s = s.replace("\r", "").replace("\n", "")
    return base64.b64decode(s) if _base64.fullmatch(s) else None


def _good_name(name):
    return name != "" and "+" not in name and not _spaces.intersection(name) and not re.search("[\ud800-\udfff]", name)


def _hash(name, key):
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


class Key:
    """A key of a note: verify(ed25519, text, signature) is by its algorithm."""

    def __init__(self, name, public, algorithm):
        self.name, self.public, self.algorithm = name, public, algorithm
        self.hash = _hash(name, bytes([algorithm]) + public)

    def verify(self, ed25519, text, signature):
        if self.algorithm == ED25519:
            return ed25519.verify(self.public, text, signature)
        if len(signature) != 72:
            return False
        at = int.from_bytes(signature[:8], "big")
        return ed25519.verify(self.public, b"cosignature/v1\ntime %d\n" % at + text, signature[8:])


def _parts(text):
    name, _, rest = text.partition("+")
    digits, _, b64 = rest.partition("+")
    key = decode64(b64)
    if len(digits) != 8 or not key or not _good_name(name):
        return None
    return name, digits, key


def log_key(text):
    """A key of algorithm 1; None for anything else."""
    parts = _parts(text)
    if parts is None:
        return None
    name, digits, key = parts
    if not re.fullmatch("[0-9A-Fa-f]{8}", digits) or bytes.fromhex(digits) != _hash(name, key):
        return None
    if key[0] != ED25519 or len(key) != 33:
        return None
    return Key(name, key[1:], ED25519)


def witness_key(text):
    """A witness's key; one of algorithm 1 is taken as 4. None for anything else."""
    parts = _parts(text)
    if parts is None or parts[2][0] not in (ED25519, COSIGNATURE) or len(parts[2]) != 33:
        return None
    return Key(parts[0], parts[2][1:], COSIGNATURE)


class Note:
    def __init__(self, text):
        self.text = text
        self.signed = []  # keys that have signed
        self.unknown = 0  # lines of other keys


def open_note(b, keys, ed25519):
    """Opens a note that at least one of keys has signed; None for anything else."""
    try:
        b.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if re.search(rb"[\x00-\x09\x0b-\x1f]", b):
        return None
    split = b.rfind(b"\n\n")
    if split < 0:
        return None
    note, lines = Note(b[: split + 1]), b[split + 2 :]
    if not lines.endswith(b"\n"):
        return None
    lines = lines[:-1].decode().split("\n")
    if len(lines) > 100:
        return None
    others, seen = set(), set()
    for line in lines:
        if not line.startswith("— "):
            return None
        name, _, b64 = line[2:].partition(" ")
        signature = decode64(b64)
        if signature is None or len(signature) < 5 or not _good_name(name):
            return None
        matching = [k for k in keys if k.name == name and k.hash == signature[:4]]
        if not matching:
            others.add(line)
            continue
        if len(matching) > 1:
            return None
        if (name, signature[:4]) in seen:
            continue
        seen.add((name, signature[:4]))
        if not matching[0].verify(ed25519, note.text, signature[4:]):
            return None
        note.signed.append(matching[0])
    note.unknown = len(others)
    return note if note.signed else None


def parse_checkpoint(text, origin):
    """(size, root, rest) of a checkpoint's text; None for anything else."""
    lines = text.split(b"\n", 3)
    if len(lines) < 4 or lines[0] != origin.encode("utf-8", "surrogatepass") or not re.fullmatch(rb"[0-9]+", lines[1]):
        return None
    digits, root = lines[1].lstrip(b"0"), decode64(lines[2].decode())
    size = int(digits or b"0") if len(digits) <= 20 else 1 << 64
    if size >= 1 << 64 or root is None:
        return None
    return size, root, lines[3]
