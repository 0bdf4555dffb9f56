"""Chain files: FORMAT.md, section 8."""

import hashlib

from .limits import MAX_BLOCK

CHECK = 8
BROKEN = "it was changed or cut short, or one before it was removed or moved: the chain does not go on here"


class ChainError(Exception):
    """A chain file does not hold at a block; 0 where none can be named."""

    def __init__(self, block, reason):
        super().__init__(reason)
        self.block, self.reason = block, reason


def header(gateway, epoch):
    return f"frostline chain 1\n{gateway}\n{epoch}\n".encode("utf-8", "surrogatepass")


def genesis(gateway, epoch):
    return hashlib.sha256(header(gateway, epoch)).digest()


class Stream:
    """Bytes that come in pieces."""

    def __init__(self, chunks):
        self._chunks, self._buffer, self._at = chunks, b"", 0

    def take(self, n):
        """The next n bytes, or None."""
        while len(self._buffer) - self._at < n:
            more = next(self._chunks, b"")
            if not more:
                return None
            self._buffer, self._at = self._buffer[self._at :] + more, 0
        b = self._buffer[self._at : self._at + n]
        self._at += n
        return b


def walk(chunks, gateway, epoch, begin, block, end):
    """Reads a chain file and computes the chain anew. It calls begin(first,
    head), block(number, raw, head) with raw None where only the digest is there,
    and end(last, head)."""
    s = Stream(chunks)
    want = header(gateway, epoch)
    if s.take(len(want)) != want:
        raise ChainError(0, f"it does not begin as the chain of gateway {gateway}, epoch {epoch}")
    next_ = 0
    while True:
        tag = s.take(1)
        if tag is None:
            return
        if tag != b"S":
            raise ChainError(next_, "no segment begins where one should")
        next_ = _segment(s, next_, begin, block, end)


def _segment(s, after, begin, block, end):
    b = s.take(40)
    if b is None:
        raise ChainError(after, BROKEN)
    first, head = int.from_bytes(b[:8], "big"), b[8:]
    if first <= after or first > 1 << 62:
        raise ChainError(first, f"segment begins at block {first}, after block {after}: segments ascend and do not adjoin")
    number = first
    begin(first, head)
    while True:
        tag, raw, digest = s.take(1), None, None
        if tag == b"E":
            if number == first:
                raise ChainError(first, "segment without blocks")
            end(number - 1, head)
            return number
        if tag == b"B":
            b = s.take(4)
            n = MAX_BLOCK + 1 if b is None else int.from_bytes(b, "big")
            raw = s.take(n) if n <= MAX_BLOCK else None
            if raw is not None:
                digest = hashlib.sha256(raw).digest()
        elif tag == b"D":
            digest = s.take(32)
        check = None if digest is None else s.take(CHECK)
        if check is None:
            raise ChainError(number, BROKEN)
        head = hashlib.sha256(head + digest).digest()
        if head[:CHECK] != check:
            raise ChainError(number, BROKEN)
        block(number, raw, head)
        number += 1
