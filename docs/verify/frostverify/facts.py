"""Facts: JOIN.md, sections 1, 7 and 8."""

from . import forms
from .places import OPEN, Places, name


class Judge:
    """A profile by which a package is judged, with what a product adds."""

    def __init__(self, profile, product=""):
        self.profile, self.product, self.units = profile, product, []

    def key(self):
        return self.profile["id"], self.profile["version"], self.product


class Facts:
    def __init__(self, events):
        self._packed, self._closed = {}, {}
        self.units, self.sensors, self._certificates = {}, {}, {}
        self._profiles, self._products = {}, {}
        statements = []
        for e in events:
            d, version = e["data"], e["version"]
            if e["type"] == forms.ATTACHED:
                statements.append(d)
            elif e["type"] == forms.PACKED:
                self._put(self._packed, d["id"], (d["made"], version), d)
            elif e["type"] == forms.CLOSED:
                self._put(self._closed, d["id"], (d["made"], version), d)
            elif e["type"] == forms.RECEIVED:
                self._put(self.units, d["id"], version, d)
            elif e["type"] == forms.SENSOR:
                self._put(self.sensors, d["id"], version, d)
            elif e["type"] == forms.CALIBRATION:
                self._put(self._certificates, d["id"], version, d)
            elif e["type"] == forms.PROFILE:
                p = d["profile"]
                self._put(self._profiles.setdefault(p["id"], {}), p["version"], version, d)
            elif e["type"] == forms.PRODUCT:
                self._products.setdefault(d["id"], {})[version] = (e["at"], d)
        self.places = Places(statements)
        self.sensors_placed = {s["subject"]["id"] for s in statements if s["subject"]["kind"] == "sensor"}

    @staticmethod
    def _put(of, key, rank, record):
        if key not in of or rank > of[key][0]:
            of[key] = (rank, record)

    def watch(self, package):
        """(start, end) of a package's watch, None where it was never packed."""
        if package not in self._packed:
            return None
        start = self._packed[package][1]["at"]
        if package in self._closed and not self._closed[package][1].get("reopen", False):
            return start, max(start, self._closed[package][1]["at"])
        return start, OPEN

    def units_of(self, package):
        start, end = self.watch(package)
        self_ = ("package", package)
        return sorted(
            subject[1]
            for subject in self.places.inside(self_)
            if subject[0] == "unit" and any(v.thing == self_ for v in self.places.during(subject, start, end))
        )

    def judges(self, package):
        """(judges in order, names of what nobody has told of)."""
        if package not in self._packed:
            return [], [name(("package", package))]
        packed = self._packed[package][1]
        found, missing = {}, set()
        for unit in self.units_of(package):
            if unit not in self.units:
                missing.add(("unit", unit))
                continue
            judge, lack = self._judge(self.units[unit][1]["product"], packed["at"])
            if judge is None:
                missing.add(lack)
                continue
            found.setdefault(judge.key(), judge).units.append(unit)
        if not found and packed.get("profile", ""):
            profile = self._profile(packed["profile"], packed.get("version", 0), packed["at"])
            if profile is None:
                missing.add(("profile", packed["profile"]))
            else:
                judge = Judge(profile)
                found[judge.key()] = judge
        return [found[k] for k in sorted(found)], [name(r) for r in sorted(missing)]

    def _judge(self, product, at):
        known = self._products.get(product)
        if not known:
            return None, ("product", product)
        recorded = [v for v, (told, _) in known.items() if told <= at]
        record = known[max(recorded) if recorded else min(known)][1]
        profile = self._profile(record["profile"], 0, at)
        if profile is None:
            return None, ("profile", record["profile"])
        if not record.get("budgets") and not record.get("activation", 0):
            return Judge(profile), None
        profile = dict(profile)
        budgets = profile.get("budgets", []) + record.get("budgets", [])
        if budgets:
            profile["budgets"] = budgets
        profile["activation"] = record.get("activation", 0) or profile["activation"]
        return Judge(profile, product), None

    def _profile(self, id_, number, at):
        of = self._profiles.get(id_, {})
        if number > 0:
            return of[number][1]["profile"] if number in of else None
        if not of:
            return None
        in_force = [n for n, (_, d) in of.items() if d.get("from", 0) <= at]
        return of[max(in_force) if in_force else min(of)][1]["profile"]

    def life(self, unit):
        """(package, start, end) of the spans in which a unit was in watched packages."""
        out = []
        for v in self.places.during(("unit", unit), -OPEN, OPEN):
            if v.thing is None or v.thing[0] != "package":
                continue
            watch = self.watch(v.thing[1])
            if watch is None:
                continue
            start, end = max(v.start, watch[0]), min(v.end, watch[1])
            if start < end:
                out.append((v.thing[1], start, end))
        return sorted(out, key=lambda leg: leg[1])

    def certificates(self, sensor):
        """(start, end, accuracy) of the certificates of a sensor."""
        return [
            (c["from"], c["until"], forms.thousandths(c["accuracy"]))
            for _, c in self._certificates.values()
            if c["sensor"] == sensor and c["from"] < c["until"]
        ]

    def accuracy(self, sensor):
        return forms.thousandths(self.sensors[sensor][1].get("accuracy", 0)) if sensor in self.sensors else 0
