"""Mean kinetic temperature: THERMAL.md, section 5. In doubles."""

import bisect
import math

from .curve import beyond

ZERO = 273_150  # 0 degrees Celsius, in thousandths of a kelvin
REFERENCE = 298_150


class Kinetic:
    """Integrals of the rate of reaction along a curve."""

    def __init__(self, curve, activation):
        self.curve = curve
        self.k = float((activation or 83_144) * 10_000) / 83_144
        self._rates = {}
        self._starts, self._heat, self._ms = [], [0.0], [0]
        for p in curve.pieces:
            self._starts.append(p.a)
            self._heat.append(self._heat[-1] + self._integral(p, p.b))
            self._ms.append(self._ms[-1] + p.b - p.a)

    def _rate(self, v):
        r = self._rates.get(v)
        if r is None:
            r = self._rates[v] = math.exp(self.k * 1000 / REFERENCE - self.k * 1000 / (v + ZERO))
        return r

    def _integral(self, p, t):
        """From the start of a piece to t."""
        if t == p.a:
            return 0.0
        r0, r1, d = self._rate(p.v0), self._rate(p.v1), p.t1 - p.t0
        x = r0 if p.a == p.t0 else r0 + (r1 - r0) * ((p.a - p.t0) / d)
        y = r1 if t == p.t1 else r0 + (r1 - r0) * ((t - p.t0) / d)
        return (x + y) * 0.5 * (t - p.a)

    def sums(self, t):
        """(integral, monitored ms) of all until t."""
        i = bisect.bisect_right(self._starts, t) - 1
        if i < 0:
            return 0.0, 0
        p = self.curve.pieces[i]
        t = min(t, p.b)
        return self._heat[i] + self._integral(p, t), self._ms[i] + t - p.a

    def value(self, start, end):
        """(MKT in thousandths of a degree, monitored ms) of a span; None where there is none."""
        heat0, ms0 = self.sums(start)
        heat1, ms1 = self.sums(end)
        ms = ms1 - ms0
        if ms <= 0:
            return None
        m = (heat1 - heat0) / ms
        if m <= 0:
            return None
        return math.floor(self.k * 1000 / (self.k * 1000 / REFERENCE - math.log(m)) + 0.5) - ZERO, ms


def excursions(curve, op, at):
    """The spans (start, end) in which the curve is beyond a limit."""
    out, since = [], None
    for p in curve.pieces:
        is_ = beyond(p, p.a, op, at)
        if is_ and since is None:
            since = p.a
        elif not is_ and since is not None:
            out.append((since, p.a))
            since = None
        if beyond(p, p.b, op, at) != (since is not None):
            if since is None:
                since = p.crossing(at)
            else:
                out.append((since, p.crossing(at)))
                since = None
        if not p.joined and since is not None:
            out.append((since, p.b))
            since = None
    return out


def windows(curve, rule):
    """The spans that the MKT rule of a profile looks at, in the order of judgement."""
    window, start, end = rule["window"], curve.start, curve.end
    grid = window // 720

    def gridstart(t):
        return start + (t - start) // grid * grid

    out = {}
    for s, e in excursions(curve, rule["op"], rule["limit"]):
        if rule["anchor"] == "following":
            b = gridstart(s)
            out[b] = max(out.get(b, b + window), e)
        elif e - window < start:
            out[start, min(start + window, end)] = None
        else:
            out[min(gridstart(e - window), s), e] = None
    if rule["anchor"] == "following":
        out = {(b, min(e, end)): None for b, e in out.items()}
    return sorted(out, key=lambda w: (w[1], w[0]))
