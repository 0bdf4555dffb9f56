"""Canonical JSON (RFC 8785): reading it strictly, and writing it."""

import json
import re
from json.encoder import encode_basestring

from .limits import MAX_DEPTH, MAX_WHOLE, Malformed

NOT_CANONICAL = "it is not canonical JSON (RFC 8785) of what belongs here"

_strings = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_brackets = re.compile(rb"[\[\]{}]")


def number(v):
    """A number as ECMAScript writes it."""
    if isinstance(v, int):
        return str(v)
    if v == 0:
        return "0"
    sign, text = ("-", repr(-v)) if v < 0 else ("", repr(v))
    mantissa, _, exponent = text.partition("e")
    whole, _, part = mantissa.partition(".")
    if part == "0":
        part = ""
    digits = (whole + part).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + part) - len(digits))
    digits = digits.rstrip("0")
    k = len(digits)
    if k <= point <= 21:
        return sign + digits + "0" * (point - k)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    e = point - 1
    return sign + digits[0] + ("." + digits[1:] if k > 1 else "") + "e" + ("+" if e > 0 else "-") + str(abs(e))


def dumps(v):
    """The canonical text of a value."""
    out = []
    _write(v, out)
    return "".join(out)


def _write(v, out):
    if isinstance(v, str):
        out.append(encode_basestring(v))
    elif v is None:
        out.append("null")
    elif v is True:
        out.append("true")
    elif v is False:
        out.append("false")
    elif isinstance(v, (int, float)):
        out.append(number(v))
    elif isinstance(v, list):
        out.append("[")
        for i, x in enumerate(v):
            if i:
                out.append(",")
            _write(x, out)
        out.append("]")
    else:
        out.append("{")
        for i, name in enumerate(sorted(v, key=lambda s: s.encode("utf-16-be", "surrogatepass"))):
            if i:
                out.append(",")
            out.append(encode_basestring(name))
            out.append(":")
            _write(v[name], out)
        out.append("}")


def _int(text):
    if len(text) > 17 or text == "-0" or abs(int(text)) > MAX_WHOLE:
        raise ValueError(text)
    return int(text)


def _float(text):
    v = float(text)
    if v in (float("inf"), float("-inf")) or number(v) != text:
        raise ValueError(text)
    return v


def _constant(text):
    raise ValueError(text)


def _object(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name comes twice")
    return out


def deep(b):
    """Reports whether JSON is nested deeper than is read."""
    depth = 0
    for m in _brackets.finditer(_strings.sub(b"", b)):
        depth += 1 if m.group() in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def loads(b):
    """Reads canonical JSON and refuses everything else."""
    try:
        if deep(b):
            raise ValueError("too deep")
        v = json.loads(b.decode("utf-8"), parse_int=_int, parse_float=_float, parse_constant=_constant, object_pairs_hook=_object)
        if dumps(v).encode("utf-8") != b:
            raise ValueError("not canonical")
        return v
    except (ValueError, RecursionError):
        raise Malformed(NOT_CANONICAL) from None


def named(b):
    """The id and stream of an event that is not as it must be, if they can be read."""
    try:
        v = None if deep(b) else json.loads(b.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=_constant)
    except (ValueError, RecursionError):
        v = None
    if not isinstance(v, dict):
        return "", ""
    return tuple(x if isinstance(x, str) else "" for x in (v.get("id"), v.get("stream")))
