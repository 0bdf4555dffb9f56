"""Where things are: JOIN.md, section 2."""

import json
import math

OPEN = math.inf


def ref(r):
    return r["kind"], r["id"]


def name(r):
    return f"{r[0]}/{r[1]}"


class Interval:
    """A span in which a subject is in one thing, or nowhere known (None)."""

    __slots__ = ("start", "end", "thing", "rank")

    def __init__(self, start, end, thing, rank):
        self.start, self.end, self.thing, self.rank = start, end, thing, rank


def _ordered(a):
    """A statement as JSON in the order of its fields, to compare it by."""
    out = {}
    for field in "id subject in at uncertainty rank via made corrects withdrawn note".split():
        if field in a:
            v = a[field]
            out[field] = {"kind": v["kind"], "id": v["id"]} if field in ("subject", "in") else v
    text = json.dumps(out, ensure_ascii=False, separators=(",", ":"))
    for c, e in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(c, e)
    return text


def of_each_id(statements):
    """The statement of each id, of those that differ."""
    kept = {}
    for a in statements:
        old = kept.get(a["id"])
        if old is None or (a["made"], _ordered(a)) > (old["made"], _ordered(old)):
            kept[a["id"]] = a
    return kept


def holding(statements):
    """The statements that hold, in order."""
    known = of_each_id(statements)
    best = {}
    for a in known.values():
        target = a.get("corrects", "")
        if target and (target not in best or (a["made"], a["id"]) > (best[target]["made"], best[target]["id"])):
            best[target] = a
    out = []
    for a in known.values():
        if a.get("corrects", ""):
            continue
        while a["id"] in best:
            a = best[a["id"]]
        if not a.get("withdrawn", False):
            out.append(a)
    return sorted(out, key=lambda a: (a["at"], a["made"], a["id"]))


def intervals(statements):
    out, held = [], holding(statements)
    for i, a in enumerate(held):
        end = held[i + 1]["at"] if i + 1 < len(held) else OPEN
        if a["at"] < end:
            out.append(Interval(a["at"], end, ref(a["in"]) if "in" in a else None, a.get("rank", 0)))
    return out


class Places:
    """The whereabouts of all subjects."""

    def __init__(self, statements):
        by = {}
        for a in statements:
            by.setdefault(ref(a["subject"]), []).append(a)
        self._of = {subject: intervals(all_) for subject, all_ in by.items()}
        self._in = {}  # thing: subjects that are in it at some time
        for subject, all_ in self._of.items():
            for v in all_:
                if v.thing is not None:
                    self._in.setdefault(v.thing, {})[subject] = None

    def during(self, subject, start, end):
        """The intervals of a subject that meet [start, end), cut to it."""
        out = []
        for v in self._of.get(subject, ()):
            a, b = max(v.start, start), min(v.end, end)
            if a < b:
                out.append(Interval(a, b, v.thing, v.rank))
        return out

    def inside(self, thing):
        """What is in a thing at some time, in no order."""
        return self._in.get(thing, ())
