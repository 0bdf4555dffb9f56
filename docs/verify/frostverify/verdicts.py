"""Works out anew what the hub says it concluded: FORMAT.md, 6, and JOIN.md, 9."""

import json

from . import forms, join, thermal
from .places import OPEN
from .report import clip

MANIFEST = "manifest.json"


class Verdicts:
    def __init__(self, checks):
        self.checks, self.report, self.fail = checks, checks.report, checks.fail
        self.facts, self.readings = checks.facts, checks.readings

    def check(self):
        said, packages = {}, set()
        for e in self.checks.events:
            d = e["data"]
            if e["type"] == forms.PACKED:
                if d.get("shipment", "") == self.checks.manifest["shipment"]:
                    packages.add(d["id"])
            elif e["type"] == forms.REVISED:
                key = d["profile"], d["version"], d.get("product", "")
                said.setdefault(d["package"], {})[key] = (d, clip(e["id"]), e["at"])
        for p in self.checks.manifest["packages"]:
            if p["shipment"] != (p["id"] in packages):
                detail = "whether it is of the shipment is not what the events say"
                self.fail("manifest", detail, file=MANIFEST, package=clip(p["id"]), field="packages")
            packages.discard(p["id"])
        for id_ in sorted(packages):
            detail = "it is of the shipment and the manifest does not speak of it"
            self.fail("manifest", detail, file=MANIFEST, package=clip(id_), field="packages")
        for p in self.checks.manifest["packages"]:
            if p["shipment"]:
                try:
                    self.judge(p["id"], said.get(p["id"], {}))
                except thermal.Impossible:
                    detail = "it cannot be judged by what is here: a profile, an instant or a temperature cannot be"
                    self.fail("verdict", detail, package=clip(p["id"]))

    def judge(self, package, said):
        watch = self.facts.watch(package)
        if watch is None:
            return
        said = {k: s for k, s in said.items() if not s[0].get("dropped", False)}
        judges, missing = self.facts.judges(package)
        if any(watch[1] <= at for _, _, at in said.values()):
            for found in self.both(package, OPEN):
                self.compare(package, found, said, True)
        else:
            self.judge_open(package, judges, said)
        for j in judges:
            said.pop(j.key(), None)
        for key in sorted(said, key=lambda k: f"{{{k[0]} {k[1]} {k[2]}}}"):
            detail = f"a verdict by profile {key[0]} version {key[1]}{_of(key)} was stated, and the facts do not call for one"
            self.fail("verdict", detail, package=clip(package), event=said[key][1])
        for name in missing:
            self.report.reserve(f"package {clip(package)} is not judged as to {clip(name)}: nobody has told of it")

    def judge_open(self, package, judges, said):
        """As of the instants to which verdicts were stated."""
        for j in judges:
            stated = said.get(j.key())
            if stated is None:
                self.unsaid(package, j.key())
                continue
            best = None
            for now in (stated[2], stated[0]["verdict"]["to"]):
                for found in self.both(package, now):
                    if found[0].key == j.key() and (best is None or found[0].digest == stated[0]["digest"]):
                        best = found
            self.compare(package, best, said, False)

    def both(self, package, now):
        """(what follows from everything, what from signed blocks alone) for each judge."""
        every = join.judge(self.facts, self.readings.all, package, now)
        if not self.report.unsigned:
            return [(j, None) for j in every]
        return list(zip(every, join.judge(self.facts, self.readings.signed, package, now)))

    def unsaid(self, package, key):
        """No verdict is in order where nothing was known yet, nor missing, at the last event."""
        for found, _ in self.both(package, self.checks.events[-1]["at"]):
            if found.key != key:
                continue
            if found.verdict["from"] < found.verdict["to"]:
                self.nothing_said(package, key)
                return
            self.report.reserve(f"package {clip(package)} has no verdict by profile {key[0]} version {key[1]}{_of(key)}: nothing was known yet when the bundle was made")

    def nothing_said(self, package, key):
        detail = f"the hub stated none by profile {key[0]} version {key[1]}{_of(key)}, and the facts call for one"
        self.fail("verdict", detail, package=clip(package))

    def compare(self, package, found, said, closed):
        is_, signed = found
        key = is_.key
        if key not in said:
            self.nothing_said(package, key)
            return
        stated, event, _ = said[key]

        def bad(detail, field):
            self.fail("verdict", detail, package=clip(package), event=event, field=field)

        if thermal.digest(stated["verdict"]) != stated["digest"]:
            bad("it is not that of the verdict stated beside it", "digest")
            return
        if is_.digest != stated["digest"]:
            field, detail = differ(stated["verdict"], is_.verdict)
            bad(detail, field)
            return
        if stated.get("units") or is_.units:
            field, detail = differ(stated.get("units"), is_.units)
            if detail:
                bad(detail, "units" + field)
                return
        v = {"package": clip(package), "profile": key[0], "version": key[1]}
        if key[2]:
            v["product"] = key[2]
        v.update({"outcome": is_.verdict["outcome"], "from": is_.verdict["from"], "to": is_.verdict["to"], "digest": is_.digest, "closed": closed})
        if signed is not None and (signed.digest != is_.digest or differ(signed.units, is_.units)[1]):
            if not self.rests_on_signed(package, event, v, is_, signed):
                return
        self.report.verdicts.append(v)

    def rests_on_signed(self, package, event, v, is_, signed):
        """Tells what follows from signed blocks alone; False where that does not carry the verdict."""
        outcome = signed.verdict["outcome"]
        if v["closed"] and not self.checks.allow_unsigned and (outcome != v["outcome"] or _broken(signed) != _broken(is_)):
            t = self.report.unsigned[0]
            detail = (
                f"the verdict {v['outcome']} rests on blocks that a gateway has not signed; without them it is {outcome}: "
                "make the bundle again after its next seal, or allow it with --allow-unsigned"
            )
            where = {"gateway": t["gateway"], "epoch": t["epoch"], "block": t["first"], "toBlock": t["last"]}
            self.fail("seal", detail, package=clip(package), event=event, **where)
            return False
        h = signed.history
        until = h.stretches[-1].end if h.stretches else h.start
        v["signed"] = {"outcome": outcome, "until": until, "digest": signed.digest}
        if self.report.verified_to == 0 or until < self.report.verified_to:
            self.report.verified_to = until
        return True


def _broken(judgement):
    return [(u["unit"], b["name"]) for u in judgement.units for b in u["budgets"] if b["broken"]]


def _of(key):
    return f" for product {key[2]}" if key[2] else ""


def differ(said, is_):
    """(field, words) of the first difference of two documents, in order of names."""
    found = _walk("", said, is_)
    if found is None:
        return "", ""
    field, a, b = found
    return field, f"the hub stated {_short(a)}, and from the evidence follows {_short(b)}"


def _walk(path, a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        for name in sorted(a.keys() | b.keys()):
            found = _walk(f"{path}/{name}", a.get(name), b.get(name))
            if found:
                return found
        return None
    if isinstance(a, list) and isinstance(b, list):
        for i, (x, y) in enumerate(zip(a, b)):
            found = _walk(f"{path}/{i}", x, y)
            if found:
                return found
        if len(a) != len(b):
            return path, f"{len(a)} of them", f"{len(b)} of them"
        return None
    if type(a) is bool or type(b) is bool:
        return None if a is b else (path, a, b)
    return None if a == b else (path, a, b)


def _short(v):
    if v is None:
        return "nothing"
    text = json.dumps(_plain(v), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for c in "<>&\u2028\u2029":
        text = text.replace(c, f"\\u{ord(c):04x}")
    b = text.encode("utf-8", "replace")
    return b[:120].decode("utf-8", "ignore") + "…" if len(b) > 120 else text


def _plain(v):
    """Whole numbers as such: 5, and not 5.0."""
    if isinstance(v, float) and v == int(v):
        return int(v)
    if isinstance(v, dict):
        return {n: _plain(x) for n, x in v.items()}
    if isinstance(v, list):
        return [_plain(x) for x in v]
    return v
