"""From readings and facts to a history: JOIN.md, sections 3 to 6 and 8."""

import bisect

from . import thermal
from .forms import thousandths
from .places import name
from .readings import BAD, CONFLICTING, USABLE

NO_ATTACHMENT = "no attachment"
NO_SENSOR = "no sensor"
NO_CALIBRATION = "no valid calibration"
NOT_ACCURATE = "sensor not accurate"
CONFLICTING_CLOCKS = "clock sources in conflict"
BAD_READINGS = "bad readings"
UNDATED_READINGS = "undated readings"
SENSOR_SILENT = "sensor silent"
NOT_IN_PACKAGE = "not in a package"


class Leg:
    """A span with the same sources; sources are (sensor, name) in order."""

    def __init__(self, start, end, known, sources):
        self.start, self.end, self.known, self.sources = start, end, known, sources


def legs(facts, package, start, end):
    """Who can vouch for a package: JOIN.md, section 3."""
    if start >= end:
        return []
    places, self_ = facts.places, ("package", package)
    present = _present(facts, self_, 0, start, end)
    placed = [v for v in places.during(self_, start, end) if v.thing is not None]
    for v in placed:
        if v.thing[0] != "tote":
            present += _present(facts, v.thing, 2, v.start, v.end)
            continue
        present += _present(facts, v.thing, 1, v.start, v.end)
        for w in places.during(v.thing, v.start, v.end):
            if w.thing is not None:
                present += _present(facts, w.thing, 2, w.start, w.end)
    present.sort()
    cuts = {start, end}
    for _, a, b, _, _ in present:
        cuts |= {a, b}
    for v in placed:
        cuts |= {v.start, v.end}
    cuts, out = sorted(cuts), []
    for a, b in zip(cuts, cuts[1:]):
        known = any(v.start <= a < v.end for v in placed)
        sources = [(sensor, source) for _, x, y, sensor, source in present if x <= a < y]
        if out and out[-1].known == known and out[-1].sources == sources:
            out[-1].end = b
        else:
            out.append(Leg(a, b, known, sources))
    return out


def _present(facts, thing, tier, start, end):
    """(order, start, end, sensor, name) of the sensors in a thing and in its loggers."""
    out, during = [], facts.places.during
    for s in facts.places.inside(thing):
        if s[0] not in ("sensor", "logger"):
            continue
        for v in during(s, start, end):
            if v.thing != thing:
                continue
            if s[0] == "sensor":
                order = (tier, v.rank, s[0], s[1], 0, s[1])
                out.append((order, v.start, v.end, s[1], f"sensor/{s[1]} in {name(thing)}"))
                continue
            for c in facts.places.inside(s):
                if c[0] not in ("sensor", "logger"):
                    continue
                for w in during(c, v.start, v.end):
                    if w.thing == s:
                        order = (tier, v.rank, s[0], s[1], w.rank, c[1])
                        out.append((order, w.start, w.end, c[1], f"sensor/{c[1]} in {name(s)} in {name(thing)}"))
    return out


class Track:
    """What a sensor tells: JOIN.md, section 4."""

    def __init__(self, dated, undated, gap):
        self.times, self.values, self.flaws, self.undated = [], [], [], undated
        self.runs = []  # (first, last) index
        total = number = 0
        for at, value, state in dated:
            if state != USABLE:
                self.flaws.append((at, state))
            elif self.times and at == self.times[-1]:
                total, number = total + value, number + 1
                self.values[-1] = total // number
            else:
                i = len(self.times)
                if i and at - self.times[-1] <= gap:
                    self.runs[-1][1] = i
                else:
                    self.runs.append([i, i])
                self.times.append(at)
                self.values.append(value)
                total, number = value, 1
        self._ends = [self.times[last] for _, last in self.runs]

    def covered(self, start, end):
        """The parts of a span that runs cover."""
        out = []
        for first, last in self.runs[bisect.bisect_right(self._ends, start) :]:
            a, b = max(start, self.times[first]), min(end, self.times[last])
            if a >= end:
                break
            if a < b:
                out.append((a, b))
        return out

    def samples(self, start, end):
        first = bisect.bisect_right(self.times, start) - 1
        last = bisect.bisect_left(self.times, end)
        return list(zip(self.times[first : last + 1], self.values[first : last + 1]))

    def newest(self, now):
        i = bisect.bisect_right(self.times, now) - 1
        return self.times[i] if i >= 0 else None

    def silence(self, start, end):
        i = bisect.bisect_left(self.flaws, (start,))
        states = set()
        while i < len(self.flaws) and self.flaws[i][0] < end:
            states.add(self.flaws[i][1])
            i += 1
        if CONFLICTING in states:
            return CONFLICTING_CLOCKS
        if BAD in states:
            return BAD_READINGS
        if any(a < end and start < b for a, b in self.undated):
            return UNDATED_READINGS
        return SENSOR_SILENT


class Builder:
    """Makes histories by one profile."""

    def __init__(self, facts, view, profile):
        self.facts, self.view = facts, view
        self.gap = profile["longestGap"]
        self.calibration = profile.get("calibration", False)
        self.accuracy = thousandths(profile.get("accuracy", 0))
        self._tracks, self._rules = {}, {}

    def track(self, sensor):
        if sensor not in self._tracks:
            self._tracks[sensor] = Track(*self.view.of_sensor(sensor), self.gap)
        return self._tracks[sensor]

    def rules(self, sensor):
        if sensor not in self._rules:
            self._rules[sensor] = self.facts.certificates(sensor), self.facts.accuracy(sensor)
        return self._rules[sensor]

    def refusal(self, sensor, at):
        """Why a sensor is not eligible at an instant; "" where it is."""
        certificates, own = self.rules(sensor)
        valid = [accuracy for start, end, accuracy in certificates if start <= at < end]
        told = [a for a in valid if a > 0]
        if self.calibration and not valid:
            return NO_CALIBRATION
        if self.accuracy > 0 and not any(0 < a <= self.accuracy for a in told or [own]):
            return NOT_ACCURATE
        return ""

    def eligible(self, sensor, start, end):
        """(start, end, refusal) of the parts of a span."""
        if not self.calibration and self.accuracy == 0:
            return [(start, end, "")]
        cuts = {start, end}
        for a, b, _ in self.rules(sensor)[0]:
            cuts |= {max(start, min(a, end)), max(start, min(b, end))}
        cuts, out = sorted(cuts), []
        for a, b in zip(cuts, cuts[1:]):
            why = self.refusal(sensor, a)
            if out and out[-1][2] == why:
                out[-1] = (out[-1][0], b, why)
            else:
                out.append((a, b, why))
        return out

    def build(self, legs_, start, end):
        """The history of a package: JOIN.md, section 5."""
        h = thermal.History(start, end)
        for leg in legs_:
            parts = [(leg.start, leg.end, None)]
            for source in leg.sources:
                parts = [piece for part in parts for piece in ([part] if part[2] else self._take(part, source))]
                if all(source for _, _, source in parts):
                    break
            for a, b, source in parts:
                if source:
                    self._vouched(h, a, b, source)
                else:
                    self._unmonitored(h, leg, a, b)
        return h

    def _take(self, part, source):
        at, end, _ = part
        out = []
        for c in self.track(source[0]).covered(at, end):
            for a, b, why in self.eligible(source[0], *c):
                if why:
                    continue
                if at < a:
                    out.append((at, a, None))
                out.append((a, b, source))
                at = b
        if at < end:
            out.append((at, end, None))
        return out

    def _vouched(self, h, start, end, source):
        track = self.track(source[0])
        last = h.stretches[-1] if h.stretches else None
        if last and last.source == source[1] and last.end == start:
            last.end, last.samples = end, track.samples(last.start, end)
        else:
            h.stretches.append(thermal.Stretch(start, end, source[1], track.samples(start, end)))

    def _unmonitored(self, h, leg, start, end):
        if not leg.sources:
            h.lose(start, end, NO_SENSOR if leg.known else NO_ATTACHMENT)
            return
        sensor, at = leg.sources[0][0], start
        track = self.track(sensor)
        for a, b in track.covered(start, end):
            if at < a:
                h.lose(at, a, track.silence(at, a))
            for x, y, why in self.eligible(sensor, a, b):
                h.lose(x, y, why)
            at = b
        if at < end:
            h.lose(at, end, track.silence(at, end))

    def newest(self, legs_, start, until):
        """To which instant an open package is judged: JOIN.md, section 6."""
        if not legs_:
            return start
        for sensor, _ in legs_[-1].sources:
            at = self.track(sensor).newest(until)
            if at is None or until - at > self.gap or self.refusal(sensor, at):
                continue
            return max(start, at)
        return until


def cut(legs_, end):
    return [Leg(leg.start, min(leg.end, end), leg.known, leg.sources) for leg in legs_ if leg.start < end]


class Judgement:
    """What a judge says of a package."""

    def __init__(self, key, verdict, units, history):
        self.key, self.verdict, self.units, self.history = key, verdict, units, history
        self.digest = thermal.digest(verdict)


def judge(facts, view, package, now):
    """Judges a package by all its judges as of an instant (OPEN for its end)."""
    start, end = facts.watch(package)
    is_open = end > now
    until = max(start, now) if is_open else end
    out = []
    plan = legs(facts, package, start, until)
    for j in facts.judges(package)[0]:
        b = Builder(facts, view, j.profile)
        to = b.newest(plan, start, until) if is_open else end
        h = b.build(cut(plan, to), start, to)
        verdict = thermal.evaluate(j.profile, h)
        units = []
        if j.profile.get("budgets"):
            units = [_budgets(facts, b, j.profile, unit, until, to) for unit in j.units]
        out.append(Judgement(j.key(), verdict, units, h))
    return out


def _budgets(facts, b, profile, unit, until, to):
    """What a unit has spent over its life: JOIN.md, section 8."""
    names = {x["name"] for x in profile["budgets"]}
    spent, ignored = [], []
    for s in facts.units[unit][1].get("spent", []):
        if s["budget"] in names:
            spent.append((s["budget"], s["ms"]))
        else:
            ignored.append(s["budget"])
    whole = None
    for package, start, end in facts.life(unit):
        end = min(end, until, to)
        if start >= min(until, to) or start >= end:
            continue
        h = b.build(legs(facts, package, start, end), start, end)
        if whole is None:
            whole = thermal.History(start, to)
        elif reached < start:
            whole.lose(reached, start, NOT_IN_PACKAGE)
        whole.stretches += h.stretches
        whole.unmonitored += h.unmonitored
        reached = end
    if whole is None:
        whole = thermal.History(to, to)
    elif reached < to:
        whole.lose(reached, to, NOT_IN_PACKAGE)
    bare = {k: v for k, v in profile.items() if k != "mkt"}
    v = thermal.evaluate(bare, whole, spent)
    out = {"unit": unit, "from": v["from"], "to": v["to"], "unmonitoredMs": v["unmonitoredMs"], "budgets": v["budgets"]}
    if ignored:
        out["ignored"] = ignored
    return out

