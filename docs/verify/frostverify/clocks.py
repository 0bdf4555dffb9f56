"""When a reading was taken: FORMAT.md, section 8."""

import bisect

PARTS = 5000  # of a millisecond: 1 / 200 parts per million
MAX = 1 << 47
MAX_UNCERTAINTY = 1 << 40


NTP, HUB, GNSS = 2, 3, 4
VOTES = NTP, HUB, GNSS


def consistent(anchors):
    """Whether no two of the anchors, in the order of their boottimes, exclude one another."""
    low = high = None
    for at, utc, u, _ in anchors:
        o, u = PARTS * (utc - at), PARTS * max(u, 1)
        if low is not None and (low > o + u + at or high < o - u - at):
            return False
        low = o - u + at if low is None else max(low, o - u + at)
        high = o + u - at if high is None else min(high, o + u - at)
    return True


def believed(anchors):
    """The anchors that a majority of sources leaves; None where there is none."""
    voted = {a[3] for a in anchors}.intersection(VOTES)
    sets = [voted] + [voted - {s} for s in voted]  # of at most three only pairs and all can be more than half
    for size in (3, 2):
        agree = [s for s in sets if len(s) == size and consistent([a for a in anchors if a[3] in s])]
        if len(agree) > 1:
            return None
        if agree:
            (most,) = agree
            with_others = [a for a in anchors if a[3] in most or a[3] not in VOTES]
            return with_others if consistent(with_others) else [a for a in anchors if a[3] in most]
    return None


class Timeline:
    """Dates the boottimes of one boot by its anchors (at, utc, uncertainty, source).

    The claim of an anchor at boottime t is o-u-|t-at| to o+u+|t-at|. For those
    with at <= t this is (o-u+at)-t and (o+u-at)+t, for the others (o-u-at)+t and
    (o+u+at)-t: so the best of many is found by running maxima and minima.
    """

    def __init__(self, anchors):
        good = [a for a in anchors if abs(a[0]) < MAX and abs(a[1]) < MAX and 0 <= a[2] < MAX_UNCERTAINTY]
        good.sort(key=lambda a: a[0])
        self.conflict = False
        if not consistent(good):
            fit = self.choose(good)
            self.conflict = fit is None
            good = fit or good
        self.at = [a[0] for a in good]
        claims = [(at, PARTS * (utc - at), PARTS * max(u, 1)) for at, utc, u, _ in good]
        better, worse = (min, max) if self.conflict else (max, min)
        left_low = [o - u + at for at, o, u in claims]
        left_high = [o + u - at for at, o, u in claims]
        right_low = [o - u - at for at, o, u in claims]
        right_high = [o + u + at for at, o, u in claims]
        for i in range(1, len(claims)):
            left_low[i] = better(left_low[i - 1], left_low[i])
            left_high[i] = worse(left_high[i - 1], left_high[i])
        for i in range(len(claims) - 2, -1, -1):
            right_low[i] = better(right_low[i + 1], right_low[i])
            right_high[i] = worse(right_high[i + 1], right_high[i])
        self._claims = left_low, left_high, right_low, right_high
        self._better, self._worse = better, worse

    def dated(self):
        return bool(self.at)

    def utc(self, t):
        """The instant of a boottime; None where there is none."""
        if not self.at or abs(t) >= MAX:
            return None
        left_low, left_high, right_low, right_high = self._claims
        i = bisect.bisect_right(self.at, t)
        if i == 0:
            low, high = right_low[0] + t, right_high[0] - t
        elif i == len(self.at):
            low, high = left_low[-1] - t, left_high[-1] + t
        else:
            low = self._better(left_low[i - 1] - t, right_low[i] + t)
            high = self._worse(left_high[i - 1] + t, right_high[i] - t)
        low, high = low // PARTS, -(-high // PARTS)
        return t + low + (high - low) // 2


class Hull(Timeline):
    """In bundles of format 1: nothing is left out."""

    def choose(self, anchors):
        return None


class Majority(Timeline):
    """In bundles of format 2."""

    def choose(self, anchors):
        return believed(anchors)
