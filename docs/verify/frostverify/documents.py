"""What people attached to cases: FORMAT.md, sections 6 and 9."""

import hashlib
import re

from . import forms
from .report import clip, count

PREFIX = "documents/"
FIRST_FORMAT = 3  # that has documents
_sha256 = re.compile(r"[0-9a-f]{64}")


class Documents:
    """Checks that the documents of a bundle are those that its events name."""

    def __init__(self, checks):
        self.files, self.events, self.manifest, self.report = checks.files, checks.events, checks.manifest, checks.report
        self.named = set()

    def check(self):
        here = self.manifest.get("documents", False)
        if self.manifest["bundle"] < FIRST_FORMAT:
            if here:
                detail = f"bundles of format {self.manifest['bundle']} have none"
                self.report.fail("manifest", detail, file="manifest.json", field="documents")
            return
        for e in self.events:
            if e["type"] != forms.COMMENTED:
                continue
            for a in e["data"].get("attachments", ()):
                if a["where"] == "hub":
                    self.one(e, a, here)
        if self.report.left_out:
            n = count(self.report.left_out)
            self.report.reserve(f"{n} documents that events name were left out of the bundle: their hashes alone are here")
        for name in self.files:
            if name.startswith(PREFIX) and name not in self.named:
                self.report.fail("document", "no event in the bundle names it", file=name)

    def one(self, e, a, here):
        """Checks one document as one event names it."""
        name, size = PREFIX + a["sha256"], a.get("size", 0)
        where = {"event": clip(e["id"]), "stream": clip(e["stream"])}

        def bad(detail):
            self.report.fail("document", f'"{clip(a["name"])}": {detail}', file=clip(name), **where)

        if not _sha256.fullmatch(a["sha256"]):
            return bad("the event does not name it by a SHA-256")
        first = name not in self.named
        self.named.add(name)
        f = self.files.get(name)
        if not here:
            if f is not None and first:
                bad("it is here, and the manifest says that documents were left out")
            self.report.left_out += first
            return None
        if f is None:
            return bad("the document is missing: the event names it")
        if f.size != size:
            return bad(f"the document was changed: it has {f.size} bytes, and the event names one of {size}")
        if not first:
            return None
        digest = hashlib.sha256()
        for b in f.chunks():
            digest.update(b)
        if digest.hexdigest() != a["sha256"]:
            return bad(f"the document was changed, or is another one: its SHA-256 is {digest.hexdigest()}, and not the one in the log")
        self.report.counts["documents"] += 1
        self.report.documents.append({"name": clip(a["name"]), "size": size, "sha256": a["sha256"], **where})
        return None
