"""Chain files: FORMAT.md, section 8."""

import hashlib
import zlib

from .limits import MAX_BLOCK, MAX_CHAIN

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
    """The unpacked bytes of a zlib stream, all that come before what is wrong with it."""

    def __init__(self, chunks):
        self._chunks, self._z = chunks, zlib.decompressobj()
        self._buffer, self._at, self._total = b"", 0, 0
        self._packed = b""
        self._ended = False
        self.broken = False  # it ends otherwise than it should
        self.rest = False  # bytes follow its end

    def take(self, n):
        """The next n bytes, or None."""
        while len(self._buffer) - self._at < n:
            if not self._more():
                return None
        b = self._buffer[self._at : self._at + n]
        self._at += n
        return b

    def _more(self):
        while not self._ended:
            if self._z.eof or self._total >= MAX_CHAIN:
                self._ended = True
                self.rest = bool(self._z.unused_data or self._packed or next(self._chunks, b""))
                break
            packed = self._packed or next(self._chunks, b"")
            if not packed:
                self._ended = self.broken = True
                break
            before = self._z.copy()
            try:
                got, self._packed = self._z.decompress(packed, 1 << 20), self._z.unconsumed_tail
            except zlib.error:
                got = self._last(before, packed)
                self._ended = self.broken = True
            if got:
                got = got[: MAX_CHAIN - self._total]
                self._total += len(got)
                self._buffer, self._at = self._buffer[self._at :] + got, 0
                return True
        return False

    @staticmethod
    def _last(z, packed):
        """What comes before the error in packed, byte by byte."""
        out = bytearray()
        try:
            while True:
                got = z.decompress(packed, 1)
                out += got
                packed = z.unconsumed_tail
                if not got and not packed:
                    return bytes(out)
        except zlib.error:
            return bytes(out)


def _good_start(b):
    """Whether two bytes begin a zlib stream without a dictionary."""
    return len(b) == 2 and b[0] & 15 == 8 and b[0] >> 4 <= 7 and (b[0] << 8 | b[1]) % 31 == 0 and not b[1] & 0x20


def walk(chunks, gateway, epoch, begin, block, end):
    """Reads a chain file and computes the chain anew. It calls begin(first,
    head), block(number, raw, head) with raw None where only the digest is there,
    and end(last, head)."""
    start = b""
    for b in chunks:
        start += b
        if len(start) >= 2:
            break
    if not _good_start(start[:2]):
        raise ChainError(0, "it is not a zlib stream")

    def again():
        yield start
        yield from chunks

    s = Stream(again())
    want = header(gateway, epoch)
    if s.take(len(want)) != want:
        raise ChainError(0, f"it does not begin as the chain of gateway {gateway}, epoch {epoch}")
    next_ = 0
    while True:
        tag = s.take(1)
        if tag is None:
            if s.broken:
                raise ChainError(next_, BROKEN)
            if s.rest:
                raise ChainError(0, "bytes follow its end")
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
