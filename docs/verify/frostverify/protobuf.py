"""Just enough of protobuf to read what gateways write: FORMAT.md, 7 and 8."""

_MASK = (1 << 64) - 1


class Broken(ValueError):
    pass


def varint(b, at):
    """A varint and where it ends."""
    v = shift = 0
    while True:
        if at >= len(b):
            raise Broken("cut short")
        c = b[at]
        at += 1
        v |= (c & 0x7F) << shift
        if c < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Broken("a varint of more than ten bytes")
    if v > _MASK:
        raise Broken("a varint beyond 64 bits")
    return v, at


def varints(b):
    """All of a packed field."""
    out, at = [], 0
    while at < len(b):
        v, at = varint(b, at)
        out.append(v)
    return out


def put_varint(out, v):
    while v >= 0x80:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    out.append(v)


def signed(v):
    """64 bits as two's complement."""
    v &= _MASK
    return v - (1 << 64) if v >> 63 else v


def unzigzag(v):
    return v >> 1 ^ -(v & 1)


def zigzag(v):
    v = signed(v)
    return (v << 1 ^ v >> 63) & _MASK


def fields(b, depth=0):
    """(number, wire type, value) of each field; groups have no value."""
    at = 0
    while at < len(b):
        number, kind, value, at = _field(b, at, depth)
        if kind == 4:
            raise Broken("the end of a group that did not begin")
        yield number, kind, value


def _field(b, at, depth):
    tag, at = varint(b, at)
    number, kind = tag >> 3, tag & 7
    if number == 0 or number >= 1 << 29:
        raise Broken("no such field")
    if kind == 0:
        value, at = varint(b, at)
    elif kind == 2:
        n, at = varint(b, at)
        if n > len(b) - at:
            raise Broken("cut short")
        value, at = b[at : at + n], at + n
    elif kind in (1, 5):
        n = 8 if kind == 1 else 4
        if n > len(b) - at:
            raise Broken("cut short")
        value, at = b[at : at + n], at + n
    elif kind == 3:
        if depth > 100:
            raise Broken("too deep")
        value = None
        while True:
            inner, what, _, at = _field(b, at, depth + 1)
            if what == 4:
                if inner != number:
                    raise Broken("the end of another group")
                break
    elif kind == 4:
        value = None
    else:
        raise Broken("no such wire type")
    return number, kind, value, at


def message(spec, b, into=None):
    """Reads a message into a dict by name. spec: field number to (name, type),
    with u32, u64, s64, bool, text, bytes, or the spec of a message. Fields that
    are not known, or not of that type, are passed over; the last one counts."""
    out = {} if into is None else into
    for number, kind, value in fields(b):
        name, type_ = spec.get(number, (None, None))
        if name is None:
            continue
        if type_ in ("u32", "u64", "s64", "bool"):
            if kind == 0:
                out[name] = {"u32": lambda v: v & 0xFFFFFFFF, "u64": int, "s64": unzigzag, "bool": bool}[type_](value)
        elif kind == 2:
            if type_ == "text":
                try:
                    out[name] = value.decode("utf-8")
                except UnicodeDecodeError:
                    raise Broken("text that is not UTF-8") from None
            elif type_ == "bytes":
                out[name] = value
            else:
                out[name] = message(type_, value, out.get(name))
    return out


ANCHOR = {1: ("boot", "u32"), 2: ("at_ms", "s64"), 3: ("utc_ms", "s64"), 4: ("uncertainty_ms", "u64"), 5: ("source", "u32")}

POINT = {1: ("measured", "s64"), 2: ("actual", "s64")}

# An event is one of these; of several the last counts.
EVENTS = {
    2: {1: ("epoch", "u32"), 2: ("reason", "text"), 3: ("previous_epoch", "u32"), 4: ("previous_last", "u64"), 5: ("previous_readings", "u64")},
    3: {1: ("boot_id", "text"), 2: ("version", "text"), 3: ("recorded", "bool")},
    4: {1: ("id", "u32"), 2: ("sensor", "text"), 3: ("quantity", "u32"), 4: ("model", "text"), 5: ("address", "text"), 6: ("interval_ms", "u32")},
    5: ANCHOR,
    6: {1: ("by_ms", "s64")},
    7: {1: ("first", "u64"), 2: ("last", "u64"), 3: ("readings", "u64"), 4: ("reason", "text"), 5: ("boot", "u32"), 6: ("from_ms", "s64"), 7: ("to_ms", "s64"), 8: ("epoch", "u32")},
    8: {1: ("part", "text"), 2: ("detail", "text")},
    9: {1: ("version", "text"), 2: ("digest", "text")},
    10: {
        1: ("alarm", "text"), 2: ("state", "u32"), 3: ("kind", "u32"), 4: ("severity", "u32"), 5: ("watch", "text"), 6: ("sensor", "text"),
        7: ("profile", "text"), 8: ("version", "u32"), 9: ("digest", "text"), 10: ("limit", "text"), 11: ("tick_ms", "s64"), 12: ("value", "s64"),
        13: ("quality", "u32"), 14: ("reason", "text"), 15: ("by", "text"), 16: ("boot_id", "text"),
    },
    12: {
        1: ("series", "u32"), 2: ("raw", "u32"), 3: ("certificate", "text"), 4: ("issuer", "text"), 5: ("valid_from_ms", "s64"),
        6: ("valid_until_ms", "s64"), 7: ("kind", "u32"), 8: ("point", POINT), 9: ("sensor", "text"),
    },
    13: {
        1: ("epoch", "u32"), 2: ("first", "u64"), 3: ("last", "u64"), 4: ("boot", "u32"), 5: ("series", "u32"), 6: ("count", "u64"), 7: ("from_ms", "s64"),
        8: ("to_ms", "s64"), 9: ("min", "s64"), 10: ("mean", "s64"), 11: ("max", "s64"), 12: ("reason", "text"),
    },
}
DECLARED, ANCHORED = 4, 5


def event(b):
    """(kind, message) of an event of a block; kind 0 for one that is not known."""
    kind, out = 0, {}
    for number, wire, value in fields(b):
        if number in EVENTS and wire == 2:
            out = message(EVENTS[number], value, out if number == kind else None)
            kind = number
    return kind, out


def seal(b):
    """Reads a seal that is in its canonical form; None for anything else."""
    spec = {
        1: ("epoch", "u32"), 2: ("number", "u64"), 3: ("head", "bytes"), 4: ("readings", "u64"), 5: ("anchor", ANCHOR),
        6: ("key_id", "bytes"), 7: ("signature", "bytes"),
    }
    try:
        m = message(spec, b)
    except Broken:
        return None
    return m if _encode(spec, m) == b else None


def _encode(spec, m):
    out = bytearray()
    for number in sorted(spec):
        name, type_ = spec[number]
        v = m.get(name)
        if v is None:
            continue
        if isinstance(type_, dict):
            v = _encode(type_, v)
        elif not v:
            continue
        if isinstance(v, bytes):
            put_varint(out, number << 3 | 2)
            put_varint(out, len(v))
            out += v
        else:
            put_varint(out, number << 3)
            put_varint(out, zigzag(v) if type_ == "s64" else v)
    return bytes(out)
