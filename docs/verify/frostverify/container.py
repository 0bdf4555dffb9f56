"""The zip archive of a bundle: FORMAT.md, section 1."""

import re
import struct
import zlib

from .limits import MAX_BYTES, MAX_FILES, MAX_LINE, MAX_TEXT, Malformed

_name = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}){0,3}")


class File:
    """A file of a bundle: where its bytes are, and what they are said to be."""

    def __init__(self, data, at, name, size, crc):
        self.data, self.at, self.name, self.size, self.crc = data, at, name, size, crc

    def header(self):
        b = self.name.encode()
        return b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, self.crc, self.size, self.size, len(b), 0) + b

    def entry(self):
        b = self.name.encode()
        return (
            b"PK\x01\x02" + struct.pack("<HHHHHHIIIH", 10, 10, 0, 0, 0, 0x21, self.crc, self.size, self.size, len(b))
            + bytes(12) + struct.pack("<I", self.at) + b
        )

    def chunks(self, size=1 << 18):
        """The bytes of the file, piece by piece."""
        at, left = self.at + 30 + len(self.name), self.size
        while left > 0:
            self.data.seek(at)
            b = self.data.read(min(size, left))
            if not b:
                raise OSError(f"{self.name} ends before its end")
            at, left = at + len(b), left - len(b)
            yield b

    def bytes(self):
        if self.size > MAX_TEXT:
            raise Malformed(f"file {self.name} has {self.size} bytes: the limit is {MAX_TEXT}")
        return b"".join(self.chunks())

    def lines(self):
        """The lines of the file without their line feeds, each with its number from 1."""
        b, at, number = self.bytes(), 0, 1
        while at < len(b):
            end = b.find(b"\n", at)
            if end < 0 or end - at > MAX_LINE:
                raise Malformed(f"file {self.name}, line {number}: want at most {MAX_LINE} bytes and a line feed")
            yield number, b[at:end]
            at, number = end + 1, number + 1

    def checksum(self):
        crc = 0
        for b in self.chunks():
            crc = zlib.crc32(b, crc)
        return crc


def read(data, size):
    """Finds the files of a bundle of size bytes, and refuses any other container."""
    if size > MAX_BYTES:
        raise Malformed(f"{size} bytes: the limit is {MAX_BYTES}")
    files, at = [], 0

    def take(at, n):
        data.seek(at)
        return data.read(n)

    while True:
        head = take(at, 30)
        if len(head) < 4:
            raise Malformed(f"it ends at byte {at}, before its directory")
        if head[:4] != b"PK\x03\x04":
            break
        if len(files) >= MAX_FILES:
            raise Malformed(f"more than {MAX_FILES} files")
        head = head.ljust(30, b"\0")
        crc, length = struct.unpack_from("<II", head, 14)
        n = struct.unpack_from("<H", head, 26)[0]
        if n > 500 or at + 30 + n + length > size:
            raise Malformed(f"file at byte {at} goes beyond the end")
        full = take(at, 30 + n)
        if not _name.fullmatch(full[30:]):
            raise Malformed(f"the name of the file at byte {at} is not plain, as events.jsonl is")
        f = File(data, at, full[30:].decode(), length, crc)
        if files and files[-1].name >= f.name:
            raise Malformed(f"file {f.name} comes after {files[-1].name}: names ascend, and none comes twice")
        if full != f.header():
            raise Malformed(f"header of {f.name} at byte {at} is not as it must be")
        files.append(f)
        at += 30 + n + length
    directory = b"".join(f.entry() for f in files)
    want = directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), at, 0)
    if size - at != len(want):
        raise Malformed(f"its directory has {size - at} bytes: want {len(want)}")
    got = take(at, len(want))
    for i, b in enumerate(want):
        if got[i] != b:
            raise Malformed(f"byte {at + i}, in its directory, is not as it must be")
    return files
