"""Limits: THERMAL.md, section 3."""

from .curve import beyond, rounded, upper


class Watch:
    """Follows one limit of a profile along a curve."""

    def __init__(self, limit, index, curve):
        self.limit, self.index, self.curve = limit, index, curve
        self.op, self.at = limit["op"], limit["at"]
        self.clear = self.at - limit["deadband"] if upper(self.op) else self.at + limit["deadband"]
        self.event = None  # under way
        self.run = None  # (instant, area there) where the temperature is beyond
        self.events, self.total = [], 0
        for p in curve.pieces:
            self._follow(p)

    def _follow(self, p):
        va, vb = p.value(p.a), p.value(p.b)
        self._see(va, p.a)
        if beyond(p, p.a, self.op, self.at):
            if self.run is None:
                self._start(p, p.a, va)
        else:
            self._end_run(p, p.a)
            if self.event and not beyond(p, p.a, self.op, self.clear):
                self._end(p.a, "returned")
        if p.v0 != p.v1 and p.b > p.a:
            self._see(vb, p.b)
            if (p.v1 > p.v0) == upper(self.op):
                if self.run is None and beyond(p, p.b, self.op, self.at):
                    self._start(p, p.crossing(self.at), self.at)
                    self._see(vb, p.b)
            elif self.event and not beyond(p, p.b, self.op, self.at):
                self._end_run(p, p.crossing(self.at))
                if not beyond(p, p.b, self.op, self.clear):
                    self._end(p.crossing(self.clear), "returned")
        if not p.joined:
            self._end_run(p, p.b)
            if self.event:
                self._end(p.b, "end" if p.b == self.curve.end else "unmonitored")

    def _see(self, v, t):
        e = self.event
        if e and (v > e["peak"] if upper(self.op) else v < e["peak"]):
            e["peak"], e["peakAt"] = v, t

    def _start(self, p, t, v):
        if self.event is None:
            self.event = {"from": t, "peak": v, "peakAt": t, "held": 0, "area": 0, "alarm": None, "source": p.source}
        self.run = t, p.area_to(t)

    def _end_run(self, p, t):
        if self.run is None:
            return
        (since, area), self.run = self.run, None
        e, n = self.event, t - since
        before = e["held"] if self.limit["timer"] == "single" else self.total
        if e["alarm"] is None and before + n >= self.limit["delay"]:
            e["alarm"] = since + max(0, self.limit["delay"] - before)
        d = p.area_to(t) - area - 2 * self.at * n
        e["area"] += d if upper(self.op) else -d
        e["held"] += n
        self.total += n

    def _end(self, t, ended):
        self.event.update(to=t, ended=ended, index=self.index, limit=self.limit)
        self.events.append(self.event)
        self.event = None

    def broken(self):
        return [e for e in self.events if e["alarm"] is not None]


def kelvin_hours(area):
    """Twice an area in thousandths of a degree times milliseconds, in millionths of a kelvin hour."""
    return rounded(max(0, area), 7200)


def importance(e):
    """Events that matter more sort first."""
    return e["alarm"] is None, -e["held"], e["from"], e["index"], e["to"]


def order(e):
    return e["from"], e["index"], e["to"]
