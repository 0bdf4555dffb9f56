"""Blocks, the unit that gateways write and sign: FORMAT.md, section 8."""

from .limits import MAX_BLOCK, MAX_CELLS, MAX_EVENTS, MAX_TICK_GAP
from .protobuf import Broken, fields, put_varint, signed, unzigzag, varint, varints, zigzag

NUMBER, BEFORE, BOOT, BASE, TICK_GAP, SERIES, PRESENCE, VALUE, QUALITY, EVENT = range(1, 11)
NO_VALUE = frozenset((1, 2, 7, 8))  # qualities of readings that have none


class Block:
    """A block. Readings are (series, tick, value, quality), by series and tick."""

    __slots__ = ("number", "before", "boot", "readings", "events")


def decode(b):
    """Reads a block; raises Broken unless b is the one way to write it."""
    if len(b) > MAX_BLOCK:
        raise Broken("too long")
    found, events = {}, []
    for number, kind, value in fields(b):
        if number == EVENT and kind == 2:
            events.append(value)
        elif (number <= BASE and kind == 0) or (BASE < number < EVENT and kind == 2):
            found[number] = value
        else:
            raise Broken(f"field {number}")
    x = Block()
    x.number, x.before, x.boot = (found.get(n, 0) for n in (NUMBER, BEFORE, BOOT))
    if x.number == 0 or x.boot >= 1 << 32 or len(events) > MAX_EVENTS:
        raise Broken("number, boot or events")
    x.events = events
    x.readings = _readings(found)
    if _encode(x, found) != b:
        raise Broken("not canonical")
    return x


def _readings(found):
    ids, ticks = _series(found.get(SERIES, b"")), _ticks(found)
    cells = len(ids) * len(ticks)
    if cells > MAX_CELLS or not ids and found.keys() & {BASE, TICK_GAP, PRESENCE, VALUE, QUALITY}:
        raise Broken("cells")
    present = found.get(PRESENCE)
    if present is not None and len(present) != (cells + 7) // 8:
        raise Broken("presence")
    places, n = [], 0
    for series in ids:
        for tick in ticks:
            if present is None or present[n >> 3] >> (n & 7) & 1:
                places.append((series, tick))
            n += 1
    qualities = _qualities(found.get(QUALITY, b""), len(places))
    out, values, at, last, of = [], found.get(VALUE, b""), 0, 0, None
    for i, (series, tick) in enumerate(places):
        if series != of:
            last, of = 0, series
        quality, value = qualities.get(i, 0), 0
        if quality not in NO_VALUE:
            v, at = varint(values, at)
            value = last = signed(last + unzigzag(v))
        out.append((series, tick, value, quality))
    return out


def _ticks(found):
    gaps = varints(found.get(TICK_GAP, b""))
    if len(gaps) >= MAX_CELLS:
        raise Broken("ticks")
    ticks = [unzigzag(found.get(BASE, 0))]
    for gap in gaps:
        if not 1 <= gap <= MAX_TICK_GAP:
            raise Broken("tick gap")
        ticks.append(signed(ticks[-1] + gap))
    return ticks


def _series(b):
    pairs = varints(b)
    if len(pairs) % 2:
        raise Broken("series")
    ids, next_ = [], 0
    for i in range(0, len(pairs), 2):
        first, run = next_ + pairs[i], pairs[i + 1]
        if first + run >= 1 << 32 or len(ids) + run + 1 > MAX_CELLS:
            raise Broken("series")
        ids.extend(range(first, first + run + 1))
        next_ = first + run + 1
    return ids


def _qualities(b, n):
    pairs = varints(b)
    if len(pairs) % 2:
        raise Broken("quality")
    out, at = {}, -1
    for i in range(0, len(pairs), 2):
        at += pairs[i] + 1
        if at >= n or not 1 <= pairs[i + 1] <= 127:
            raise Broken("quality")
        out[at] = pairs[i + 1]
    return out


def _encode(x, found):
    """The block as it must be written."""
    out = bytearray()

    def number(field, v):
        if v:
            put_varint(out, field << 3)
            put_varint(out, v)

    def run(field, b):
        put_varint(out, field << 3 | 2)
        put_varint(out, len(b))
        out.extend(b)

    def packed(field, values):
        if values:
            b = bytearray()
            for v in values:
                put_varint(b, v)
            run(field, b)

    number(NUMBER, x.number)
    number(BEFORE, x.before)
    number(BOOT, x.boot)
    if x.readings:
        # Offsets from the first tick: ticks themselves may pass 2^63.
        base = min((r[1] for r in x.readings), key=lambda t: (t - unzigzag(found.get(BASE, 0))) % (1 << 64))
        offsets = sorted({(r[1] - base) % (1 << 64) for r in x.readings})
        ids = sorted({r[0] for r in x.readings})
        number(BASE, zigzag(base))
        packed(TICK_GAP, [b - a for a, b in zip(offsets, offsets[1:])])
        packed(SERIES, _pairs(ids))
        if len(x.readings) != len(offsets) * len(ids):
            row, column = {s: i for i, s in enumerate(ids)}, {o: i for i, o in enumerate(offsets)}
            bits = bytearray((len(offsets) * len(ids) + 7) // 8)
            for series, tick, _, _ in x.readings:
                n = row[series] * len(offsets) + column[(tick - base) % (1 << 64)]
                bits[n >> 3] |= 1 << (n & 7)
            run(PRESENCE, bits)
        values, qualities, skip, last, of = [], [], 0, 0, None
        for series, _, value, quality in x.readings:
            if series != of:
                last, of = 0, series
            if quality not in NO_VALUE:
                values.append(zigzag(value - last))
                last = value
            if quality == 0:
                skip += 1
            else:
                qualities += (skip, quality)
                skip = 0
        packed(VALUE, values)
        packed(QUALITY, qualities)
    for e in x.events:
        run(EVENT, e)
    return bytes(out)


def _pairs(ids):
    """Ascending ids as (skip, run) pairs."""
    out, next_, i = [], 0, 0
    while i < len(ids):
        j = i + 1
        while j < len(ids) and ids[j] == ids[j - 1] + 1:
            j += 1
        out += (ids[i] - next_, j - i - 1)
        next_, i = ids[j - 1] + 1, j
    return out
