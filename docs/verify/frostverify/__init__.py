"""Checks a bundle of evidence of Frostline, offline and from the bundle alone.

It is written from FORMAT.md, JOIN.md and THERMAL.md, and shares no code with the
program that made the bundle. It needs Python 3.11 or later, its standard
library, and the command openssl for Ed25519. It writes nothing but what openssl
has to read, in a temporary directory, and unpacks nothing to disk.
"""
