"""Bounds on what is read: FORMAT.md, 1 and 8. No size is believed unchecked."""

MAX_FILES = 10_000
MAX_BYTES = 2 << 30  # of a bundle
MAX_TEXT = 256 << 20  # of a file other than a chain
MAX_LINE = 4 << 20
MAX_DEPTH = 64  # of JSON
MAX_WHOLE = 1 << 53  # of a whole number in JSON

MAX_BLOCK = 64 << 10
MAX_CELLS = 16 << 10
MAX_EVENTS = 1024
MAX_TICK_GAP = 1 << 40

# Temperatures that are held in memory, at about 200 bytes each. The first
# verifier holds 50 million; here what is beyond cannot be checked (status 2).
MAX_READINGS = 20_000_000


class Malformed(Exception):
    """The form of a bundle is not as it must be."""

    def __str__(self):
        return "malformed bundle: " + super().__str__()


class CannotCheck(Exception):
    """It cannot be found out whether the bundle holds: status 2."""
