"""The temperatures of sensors, dated: FORMAT.md, section 8."""

import math

from .limits import MAX_READINGS, CannotCheck

USABLE, BAD, CONFLICTING = range(3)


class Readings:
    """All readings of temperature of the sensors that could vouch."""

    def __init__(self, needed, timeline):
        self.needed, self.timeline = needed, timeline
        self.anchors = {}  # (gateway, epoch, boot): [((at, utc, uncertainty, source), signed)]
        self.raw = {}  # sensor: [(epoch, boot, tick, series, order, value, ok, signed)]
        self.count = 0
        self.all, self.signed = View(self, False), View(self, True)

    def anchor(self, boot, anchor, signed):
        self.anchors.setdefault(boot, []).append((anchor, signed))
        self.all.timelines.pop(boot, None)

    def add(self, sensor, epoch, boot, series, tick, value, ok, signed):
        if sensor not in self.needed:
            return
        self.count += 1
        if self.count > MAX_READINGS:
            raise CannotCheck(f"more than {MAX_READINGS} temperatures: this program does not hold so many")
        self.raw.setdefault(sensor, []).append((epoch, boot, tick, series, self.count, value, ok, signed))


class View:
    """Readings as they are dated: all, or those that a seal holds."""

    def __init__(self, of, signed):
        self.of, self.only_signed = of, signed
        self.timelines = {}
        self._dated = {}

    def timeline(self, boot):
        t = self.timelines.get(boot)
        if t is None:
            t = self.of.timeline([a for a, signed in self.of.anchors.get(boot, ()) if signed or not self.only_signed])
            self.timelines[boot] = t
        return t

    def of_sensor(self, sensor):
        """(dated, undated): dated are (utc, value, state) in order, undated spans."""
        found = self._dated.get(sensor)
        if found is None:
            found = self._dated[sensor] = self._date(sensor)
        return found

    def _date(self, sensor):
        gateway = sensor.partition("/")[0]
        raw = sorted(r for r in self.of.raw.get(sensor, ()) if r[7] or not self.only_signed)
        dated, boots, place = [], [], None
        for r in raw:
            if r[:4] == place:
                continue  # the first in the file holds
            place = r[:4]
            epoch, boot, tick, _, _, value, ok, _ = r
            if not boots or boots[-1][0] != (epoch, boot):
                boots.append([(epoch, boot), self.timeline((gateway, epoch, boot)), tick, tick])
            boots[-1][3] = tick
            timeline = boots[-1][1]
            utc = timeline.utc(tick)
            if utc is not None:
                dated.append((utc, value, CONFLICTING if timeline.conflict else USABLE if ok else BAD))
        dated.sort(key=lambda d: d[0])
        return dated, _between(boots)


def _between(boots):
    """Spans in which undated readings were taken, from the dated boots around them."""
    out, before = [], -math.inf
    for i, (_, timeline, first, last) in enumerate(boots):
        if timeline.dated():
            utc = timeline.utc(last)
            if utc is not None:
                before = max(before, utc)
            continue
        after = math.inf
        for _, later, first, _ in boots[i + 1 :]:
            utc = later.utc(first)
            if utc is not None:
                after = min(after, utc)
        if before < after:
            out.append((before, after))
    return out
