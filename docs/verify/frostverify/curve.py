"""A history as a curve, in pieces: THERMAL.md, sections 1 to 4. All in integers."""

UNTOLD = "nothing was said about this span"
NO_READING = "no reading"
LONG_GAP = "no reading for longer than the profile allows"


def rounded(n, d):
    """n/d to the nearest integer, halves up, for d > 0."""
    return (2 * n + d) // (2 * d)


class Stretch:
    """A span in which one source vouches, with its samples (at, value)."""

    __slots__ = ("start", "end", "source", "samples")

    def __init__(self, start, end, source, samples):
        self.start, self.end, self.source, self.samples = start, end, source, samples


class History:
    """What is known from start to end: stretches, and spans (start, end, reason)
    that are unmonitored, each in order."""

    def __init__(self, start, end):
        self.start, self.end, self.stretches, self.unmonitored = start, end, [], []

    def lose(self, start, end, reason):
        if self.unmonitored and self.unmonitored[-1][1:] == (start, reason):
            self.unmonitored[-1] = (self.unmonitored[-1][0], end, reason)
        else:
            self.unmonitored.append((start, end, reason))


class Piece:
    """A part [a, b] of the line from (t0, v0) to (t1, v1)."""

    __slots__ = ("a", "b", "t0", "v0", "t1", "v1", "source", "joined", "area")

    def __init__(self, a, b, t0, v0, t1, v1, source):
        self.a, self.b, self.t0, self.v0, self.t1, self.v1, self.source = a, b, t0, v0, t1, v1, source
        self.joined = False  # to the next
        self.area = 0  # doubled integral of all pieces before

    def compare(self, t, limit):
        """Greater than 0 where the temperature is above a limit, exactly."""
        return (self.v0 - limit) * (self.t1 - self.t0) + (self.v1 - self.v0) * (t - self.t0)

    def value(self, t):
        return self.v0 + rounded((self.v1 - self.v0) * (t - self.t0), self.t1 - self.t0)

    def crossing(self, limit):
        n, d = (limit - self.v0) * (self.t1 - self.t0), self.v1 - self.v0
        return self.t0 + (rounded(n, d) if d > 0 else rounded(-n, -d))

    def area2(self, t):
        x = t - self.t0
        return 2 * self.v0 * x + rounded((self.v1 - self.v0) * x * x, self.t1 - self.t0)

    def area_to(self, t):
        """The doubled integral of all until t, which lies in this piece."""
        return self.area + self.area2(t) - self.area2(self.a)


class Curve:
    """The pieces of a history, and what is not monitored."""

    def __init__(self, history, gap):
        self.start, self.end = history.start, history.end
        self.pieces, self.gaps = [], []
        self._at, self._gap = history.start, gap
        spans = [(s.start, s.end, s) for s in history.stretches] + [(a, b, why) for a, b, why in history.unmonitored]
        for start, end, what in sorted(spans, key=lambda s: s[:2]):
            self._lose(start, UNTOLD)
            if isinstance(what, str):
                self._lose(end, what)
            else:
                self._stretch(what)
        self._lose(self.end, UNTOLD)
        self.area = 0
        for p, after in zip(self.pieces, self.pieces[1:] + [None]):
            p.joined = after is not None and after.a == p.b
            p.area = self.area
            self.area = p.area_to(p.b)
        self.monitored = sum(p.b - p.a for p in self.pieces)

    def _lose(self, to, reason):
        if to <= self._at:
            return
        if self.gaps and self.gaps[-1][1:] == (self._at, reason):
            self.gaps[-1] = (self.gaps[-1][0], to, reason)
        else:
            self.gaps.append((self._at, to, reason))
        self._at = to

    def _add(self, piece):
        self.pieces.append(piece)
        self._at = piece.b

    def _stretch(self, s):
        before = None
        for t, v in s.samples:
            if before and before[0] >= s.end:
                break
            if before and t - before[0] <= self._gap:
                a, b = max(before[0], s.start), min(t, s.end)
                if a <= b:
                    self._add(Piece(a, b, *before, t, v, s.source))
            else:
                self._lose(min(t, s.end), LONG_GAP if before else NO_READING)
                if s.start <= t <= s.end:
                    self._add(Piece(t, t, t, v, t + 1, v, s.source))
            before = (t, v)
        self._lose(s.end, NO_READING)


def upper(op):
    return op in (">", ">=")


def beyond(piece, t, op, at):
    """Whether the comparison op with at holds at an instant."""
    c = piece.compare(t, at)
    if not upper(op):
        c = -c
    return c > 0 or c == 0 and op in (">=", "<=")


def cut(op, at):
    return at - 1 if op in (">=", "<") else at


class Band:
    """A range of temperatures between edges (op, at); None where it is open."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def intervals(self, curve):
        """The spans in the band, in order."""
        for p in curve.pieces:
            near, far = (self.high, self.low) if p.v1 < p.v0 else (self.low, self.high)
            if _keeps(near, p, p.a):
                x = p.a
            elif _keeps(near, p, p.b):
                x = p.crossing(near[1])
            else:
                continue
            if _keeps(far, p, p.b):
                y = p.b
            elif _keeps(far, p, p.a):
                y = p.crossing(far[1])
            else:
                continue
            if y > x:
                yield x, y


def _keeps(edge, p, t):
    return edge is None or not beyond(p, t, *edge)
