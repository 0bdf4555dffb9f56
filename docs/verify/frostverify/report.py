"""What verification found, in the words and order of the first verifier."""

import datetime
import json

MAX_PROBLEMS = 20
MAX_RESERVATIONS = 100

FIELDS = "check file line gateway epoch block toBlock after event stream package field detail".split()


def clip(s):
    """Bounds what a bundle can put into a message."""
    s = s.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    b = s.encode("utf-8")
    if len(b) > 200:
        return b[:200].decode("utf-8", "replace") + "…"
    return s


def iso(ms):
    """An instant as people read it, UTC; None if a calendar does not have it."""
    try:
        t = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    except OverflowError:
        return None
    return t


def count(n):
    return f"{n:,}"


class Report:
    def __init__(self):
        self.holds = False
        self.problems = []
        self.more = 0
        self.reservations = []
        self.shipment = self.engine = self.origin = self.key = ""
        self.pinned = False
        self.checkpoint = 0
        self.witnesses = []
        self.unchecked = 0
        self.verdicts = []
        self.unsigned = []
        self.verified_to = 0
        self.documents = []
        self.left_out = 0
        self.counts = dict.fromkeys("files events streams seals blocks linkedBlocks readings proofs documents".split(), 0)

    def fail(self, check, detail, **where):
        """Adds something that does not hold. Fields that are empty do not apply."""
        b = detail.encode("utf-8", "replace")
        if len(b) > 500:
            detail = b[:500].decode("utf-8", "ignore") + "…"
        if len(self.problems) >= MAX_PROBLEMS:
            self.more += 1
            return
        where.update(check=check, detail=detail)
        self.problems.append({f: where[f] for f in FIELDS if where.get(f)})

    def reserve(self, text):
        if len(self.reservations) < MAX_RESERVATIONS:
            self.reservations.append(text)

    def document(self):
        """The report as JSON has it."""
        out = {"holds": self.holds, "problems": self.problems}
        if self.more:
            out["moreProblems"] = self.more
        out["reservations"] = self.reservations
        for name in "shipment engine origin key".split():
            if getattr(self, name):
                out[name] = getattr(self, name)
        out["pinned"] = self.pinned
        if self.checkpoint:
            out["checkpoint"] = self.checkpoint
        out["witnesses"] = self.witnesses
        if self.unchecked:
            out["uncheckedCosignatures"] = self.unchecked
        out["verdicts"], out["unsigned"] = self.verdicts, self.unsigned
        if self.verified_to:
            out["verifiedTo"] = self.verified_to
        out["documents"] = self.documents
        if self.left_out:
            out["documentsLeftOut"] = self.left_out
        out["counts"] = self.counts
        return out

    def json(self):
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"

    def text(self):
        """The report as people read it."""
        out = []
        if self.shipment:
            out.append(f"Shipment {self.shipment}, by log {self.origin}\n")
        if not self.holds:
            out.append(f"\nIT DOES NOT HOLD. The first thing that does not:\n  {sentence(self.problems[0])}\n")
            n = len(self.problems) - 1 + self.more
            if n > 0:
                out.append(f"\nAnd what follows from it, or besides ({n}):\n")
                out.extend(f"  {sentence(p)}\n" for p in self.problems[1:])
            return "".join(out)
        c = {name: count(n) for name, n in self.counts.items()}
        out.append(
            f"\nIt holds{self._until()}: {c['readings']} readings in {c['blocks']} blocks ({c['linkedBlocks']} more by hash), {c['seals']} seals, "
            f"{c['events']} events in {c['streams']} streams, {c['proofs']} proofs.\n"
        )
        for v in self.verdicts:
            state = "closed" if v["closed"] else "open, judged until then"
            out.append(
                f"  package {v['package']} by profile {v['profile']} version {v['version']}: {v['outcome']}, "
                f"{seconds(v['from'])} to {seconds(v['to'])} ({state})\n"
            )
            if "signed" in v:
                s = v["signed"]
                out.append(f"    by signed blocks alone: {s['outcome']}, vouched for until {seconds(s['until'])}\n")
        for d in self.documents:
            out.append(
                f"  document \"{d['name']}\" of {d['stream']}, event {d['event']}: {count(d['size'])} bytes, SHA-256 {d['sha256']}\n"
            )
        pinned = "pinned" if self.pinned else "taken from the bundle"
        out.append(f"Log key ({pinned}): {self.key}\nCheckpoint of {count(self.checkpoint)} entries")
        if self.witnesses:
            out.append(f", cosigned by [{' '.join(self.witnesses)}]")
        out.append("\n")
        out.extend(f"But: {s}.\n" for s in self.reservations)
        return "".join(out)

    def _until(self):
        if not self.unsigned:
            return ""
        n = sum(t["last"] - t["first"] + 1 for t in self.unsigned)
        if not self.verified_to:
            return f", and {count(n)} blocks on which no verdict rests await their seal"
        return f", verified up to {seconds(self.verified_to)}; {count(n)} blocks await their seal"


def seconds(ms):
    t = iso(ms)
    return str(ms) if t is None else t.strftime("%Y-%m-%dT%H:%M:%SZ")


def sentence(p):
    """A problem in a sentence."""
    where = []
    for name in "package gateway epoch".split():
        if name in p:
            where.append(f"{name} {p[name]}")
    if p.get("toBlock", 0) > p.get("block", 0):
        where.append(f"one of blocks {p.get('block', 0)} to {p['toBlock']}")
    elif p.get("block", 0) > 0:
        where.append(f"block {p['block']}")
    if p.get("after", 0) > 0:
        t = iso(p["after"])
        told = str(p["after"]) if t is None else t.strftime("%Y-%m-%d %H:%M:%S.") + f"{p['after'] % 1000:03d} UTC"
        where.append(f"after the reading of {told}")
    for name in "event stream field".split():
        if name in p:
            where.append(f"{name} {p[name]}")
    if "file" in p:
        where.append(p["file"] + (f" line {p['line']}" if "line" in p else ""))
    if not where:
        return f"{p['check']}: {p['detail']}"
    return f"{p['check']}: {', '.join(where)}: {p['detail']}"
