"""Follows a gateway's chain through a bundle: FORMAT.md, section 8."""

import bisect

from . import blocks, chains, protobuf
from .report import clip

TEMPERATURE = 1


class Told(Exception):
    """A problem was told; the rest of the chain says nothing."""


class Walker:
    def __init__(self, checks, chain, name):
        self.checks, self.segments, self.name = checks, chain["segments"], name
        self.gateway, self.epoch = chain["gateway"], chain["epoch"]
        self.seals = sorted(n for g, e, n in checks.seals if (g, e) == (self.gateway, self.epoch))
        self.series = {}  # id: (sensor or None, declared in a block that a seal holds)
        self.segment = 0
        self.held = 0  # blocks up to this one are held by a seal
        self.signed = 0  # and up to this one they will have been
        self.count = self.counted = 0  # readings in the epoch up to the block counted
        self.last = None  # (boot, tick) of the last reading
        self.good = None  # and of the last that a seal holds

    def walk(self, file):
        try:
            chains.walk(file.chunks(), self.gateway, self.epoch, self.begin, self.block, self.end)
        except chains.ChainError as e:
            try:
                self.bad(e.block, e.reason)
            except Told:
                pass
        except Told:
            pass
        else:
            if self.segment < len(self.segments):
                s = self.segments[self.segment]
                self.fail("chain", "these blocks were removed: the manifest speaks of them", s["first"], s["last"])

    def fail(self, check, detail, block, to=0, file=None, **where):
        file = self.name if file is None else file
        self.checks.fail(check, detail, gateway=clip(self.gateway), epoch=self.epoch, block=block, toBlock=to, file=file, **where)

    def bad(self, block, detail):
        """Tells of a block that does not hold, with the time of the last reading before it."""
        self.fail("chain", detail, block, after=self.utc(self.last))
        raise Told

    def utc(self, reading):
        if reading is None:
            return None
        boot, tick = reading
        return self.checks.readings.all.timeline((self.gateway, self.epoch, boot)).utc(tick)

    def begin(self, first, head):
        if self.segment >= len(self.segments) or self.segments[self.segment]["first"] != first:
            self.bad(first, "a segment begins here that the manifest does not speak of: blocks were removed or added")
        self.held, self.counted = first - 1, 0
        i = bisect.bisect_right(self.seals, self.segments[self.segment]["last"])
        self.signed = max(first - 1, self.seals[i - 1] if i else 0)
        if first > 1:
            self.seal_at(first - 1, head)
        elif head != chains.genesis(self.gateway, self.epoch):
            self.bad(first, f"the chain head before it is not that of gateway {self.gateway}, epoch {self.epoch}")

    def block(self, number, raw, head):
        last = self.segments[self.segment]["last"]
        if number > last:
            self.bad(number, f"it was added: the manifest ends the segment at block {last}")
        counts = self.checks.report.counts
        if raw is None:
            counts["linkedBlocks"] += 1
            self.seal_at(number, head)
            return
        counts["blocks"] += 1
        try:
            b = blocks.decode(raw)
        except protobuf.Broken:
            self.bad(number, "it is not a block in its canonical form")
        if b.number != number:
            self.bad(number, f"block {b.number} stands in its place: one was removed, or they were put into another order")
        if self.counted == number - 1 and self.counted > 0 and b.before != self.count:
            self.bad(number, f"it counts {b.before} readings before it where there are {self.count}")
        self.count, self.counted = (b.before + len(b.readings)) % (1 << 64), number
        self.take(b)
        self.seal_at(number, head)

    def seal_at(self, number, head):
        seal = self.checks.seals.get((self.gateway, self.epoch, number))
        if seal is None:
            return
        seal[2] = True
        if seal[0] != head:
            detail = f"not what the gateway signed for: its seal of block {number} has another chain head"
            self.fail("chain", detail, self.held + 1, number, after=self.utc(self.good))
            raise Told
        if self.counted == number and number > 0 and seal[1] != self.count:
            self.bad(number, f"the seal counts {seal[1]} readings up to it where there are {self.count}")
        self.held, self.good = number, self.last

    def end(self, last, _):
        s = self.segments[self.segment]
        self.segment += 1
        if last != s["last"]:
            self.bad(last + 1, f"blocks {last + 1} to {s['last']} were removed: the manifest speaks of them")
        if self.held == last:
            return
        if s["sealed"]:
            self.fail("seal", "its seal was removed: the manifest speaks of it", last, file="seals.jsonl")
            return
        first, report = self.held + 1, self.checks.report
        report.unsigned.append({"gateway": self.gateway, "epoch": self.epoch, "first": first, "last": last})
        report.reserve(
            f"{last - self.held} blocks, {first} to {last} of gateway {self.gateway}, epoch {self.epoch}, await its seal: "
            "what they say is the hub's word alone"
        )

    def take(self, b):
        """Adds the anchors and readings of a block."""
        signed, store, counts = b.number <= self.signed, self.checks.readings, self.checks.report.counts
        for raw in b.events:
            try:
                kind, m = protobuf.event(raw)
            except protobuf.Broken:
                continue
            if kind == protobuf.ANCHORED:
                anchor = m.get("at_ms", 0), m.get("utc_ms", 0), m.get("uncertainty_ms", 0), m.get("source", 0)
                store.anchor((self.gateway, self.epoch, m.get("boot", 0)), anchor, signed)
            elif kind == protobuf.DECLARED and m.get("id", 0) not in self.series:
                sensor = f"{self.gateway}/{m.get('sensor', '')}" if m.get("quantity", 0) == TEMPERATURE else None
                self.series[m.get("id", 0)] = sensor, signed
        counts["readings"] += len(b.readings)
        for series, tick, value, quality in b.readings:
            self.last = b.boot, tick
            sensor, declared = self.series.get(series, (None, False))
            if sensor is not None:
                store.add(sensor, self.epoch, b.boot, series, tick, value, quality == 0, signed and declared)
