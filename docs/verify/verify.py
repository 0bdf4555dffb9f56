#!/usr/bin/env python3
"""Checks the evidence of a shipment, offline and from the bundle alone.

It needs Python 3.11 or later and the command openssl, and nothing else. It ends
with status 0 if all holds, 1 if something does not, and 2 if it could not be
checked. README.md, beside this file, says what each finding means.
"""

import argparse
import os
import stat
import sys

sys.dont_write_bytecode = True

from frostverify import notes  # noqa: E402
from frostverify.bundle import Checks  # noqa: E402
from frostverify.ed25519 import Verifier  # noqa: E402
from frostverify.limits import CannotCheck  # noqa: E402


def arguments(args):
    p = argparse.ArgumentParser(prog="verify.py", description="Check the evidence of a shipment, offline.", allow_abbrev=False)
    p.add_argument("bundle", help="the file, as frostline evidence export wrote it")
    p.add_argument("--key", metavar="KEY", help="key of the hub's log, as frostline evidence key prints it")
    p.add_argument("--witness", metavar="KEY", action="append", default=[], help="key of a witness that must have cosigned; may be repeated")
    p.add_argument("--allow-unsigned", action="store_true", help="let verdicts pass that rest on blocks that no gateway has signed yet")
    p.add_argument("--json", action="store_true", help="print JSON")
    return p.parse_args(args)


def check(o):
    if o.key == "":
        o.key = None
    if o.key is not None and notes.log_key(o.key) is None:
        raise CannotCheck(f"key {o.key!r}: want NAME+HASH+KEY as frostline evidence key prints it")
    for w in o.witness:
        if notes.witness_key(w) is None:
            raise CannotCheck(f"witness key {w!r}: want NAME+HASH+KEY as the witness prints it")
    try:
        with open(o.bundle, "rb") as f, Verifier() as ed25519:
            info = os.fstat(f.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise CannotCheck(f"{o.bundle}: want a file")
            return Checks(ed25519, o.key, o.witness, o.allow_unsigned).run(f, info.st_size)
    except (OSError, MemoryError) as e:
        raise CannotCheck(str(e) or "out of memory") from e


def main(args):
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    o = arguments(args)
    try:
        report = check(o)
    except CannotCheck as e:
        print(f"verify.py: {e}", file=sys.stderr)
        return 2
    sys.stdout.write(report.json() if o.json else report.text())
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
