"""The forms of records: FORMAT.md, JOIN.md section 1, THERMAL.md section 7.

A form is a function that says whether a value has it. What is left out where it
is empty must not be there empty: one content has one text.
"""

import base64
import re


def text(v):
    return isinstance(v, str)


def whole(v):
    return isinstance(v, int) and not isinstance(v, bool)


def natural(v):
    return whole(v) and v >= 0


def natural32(v):
    return natural(v) and v < 1 << 32


def double(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def flag(v):
    return isinstance(v, bool)


def anything(v):
    return True


def degrees(t):
    """Thousandths of a degree as JSON has them."""
    return t // 1000 if t % 1000 == 0 else t / 1000


def thousandths(v):
    """The inverse of degrees."""
    return round(v * 1000)


def temperature(v):
    if not double(v) or abs(v) > 1_000_000:
        return False
    return degrees(thousandths(v)) == v


def base64bytes(v):
    try:
        return text(v) and base64.b64encode(base64.b64decode(v, validate=True)).decode() == v
    except ValueError:
        return False


def listed(form):
    return lambda v: isinstance(v, list) and all(form(x) for x in v)


class Optional:
    """A field that is left out where it is empty; with nothing, where there is none."""

    def __init__(self, form, nothing=False):
        self.form, self.nothing = form, nothing

    def __call__(self, v):
        return self.form(v) and (self.nothing or v not in (0, "", False, []))


def maybe(form):
    """A field that is left out where it is empty."""
    return Optional(form)


def given(form):
    """A field that is left out where there is none; 0 is something."""
    return Optional(form, nothing=True)


def record(**fields):
    need = {n for n, f in fields.items() if not isinstance(f, Optional)}

    def check(v):
        return isinstance(v, dict) and need <= v.keys() <= fields.keys() and all(fields[n](x) for n, x in v.items())

    return check


_plain = r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}"
_shapes = dict.fromkeys(
    "site zone vehicle compartment gateway tote logger calibration profile product order shipment package party excursion".split(), _plain
)
_shapes["sensor"] = _plain + "/" + _plain
_shapes["unit"] = r"[0-9]{14}\.[!-.0-~]{1,64}"
_shapes = {kind: re.compile(shape) for kind, shape in _shapes.items()}


def reference(v):
    if not record(id=text, kind=text)(v):
        return False
    if v["id"] == "" and v["kind"] == "":
        return True
    shape = _shapes.get(v["kind"])
    return shape is not None and shape.fullmatch(v["id"]) is not None


# FORMAT.md

tree = record(size=natural, root=text)
manifest = record(
    bundle=whole, shipment=text, origin=text, key=text, engine=text, position=whole,
    packages=listed(record(id=text, shipment=flag)),
    streams=listed(record(stream=text, events=whole)),
    chains=listed(record(gateway=text, epoch=natural32, segments=listed(record(first=natural, last=natural, sealed=flag)))),
    checkpoint=tree, first=tree,
    files=listed(record(name=text, size=whole, sha256=text)),
    documents=maybe(flag),
)
consistency = record(**{"from": natural, "to": natural, "proof": listed(base64bytes)})
inclusion = record(index=natural, kind=text, name=text, proof=listed(base64bytes))
key = record(**{"use": text, "gateway": maybe(text), "id": text, "public": text, "from": whole})
seal = record(gateway=text, epoch=natural32, number=natural, seal=base64bytes)
event = record(
    position=whole, id=text, stream=text, version=whole, type=text, schema=whole, at=whole, actor=text, reason=maybe(text), data=anything
)

# THERMAL.md

budget = record(name=text, above=given(temperature), below=given(temperature), allowed=whole, source=text, kind=maybe(text))
limit = record(name=text, op=text, at=temperature, timer=text, delay=whole, deadband=temperature, severity=text)
profile = record(
    id=text, version=whole, name=text, source=text, low=given(temperature), high=given(temperature), limits=listed(limit),
    mkt=given(record(limit=temperature, op=text, window=whole, anchor=text, severity=maybe(text))),
    frozen=maybe(flag), activation=whole, budgets=maybe(listed(budget)), longestGap=whole, accuracy=maybe(temperature), calibration=maybe(flag),
)
budget_state = record(
    name=text, kind=text, allowedMs=whole, spentBeforeMs=whole, spentMs=whole, leftMs=whole, broken=flag, brokenAt=maybe(whole)
)
_window = {"value": temperature, "from": whole, "to": whole, "monitoredMs": whole}
verdict = record(**{
    "engine": text, "profile": text, "version": whole, "profileDigest": text, "from": whole, "to": whole, "outcome": text,
    "severity": maybe(text),
    "limits": listed(record(
        limit=text, state=text, severity=text, beyondMs=whole, longestMs=whole, events=whole, alarms=whole, alarmAt=maybe(whole))),
    "excursions": listed(record(**{
        "limit": text, "op": text, "at": temperature, "severity": text, "from": whole, "to": whole, "ended": text, "broken": flag,
        "alarm": maybe(whole), "peak": temperature, "peakAt": whole, "durationMs": whole, "areaKelvinHours": double, "source": maybe(text)})),
    "excursionsOmitted": maybe(whole), "monitoredMs": whole, "unmonitoredMs": whole,
    "gaps": listed(record(**{"from": whole, "to": whole, "reason": text})), "gapsOmitted": maybe(whole),
    "inRangeMs": whole, "outOfRangeMs": whole, "min": given(temperature), "minAt": maybe(whole), "max": given(temperature),
    "maxAt": maybe(whole), "mean": given(temperature),
    "mkt": given(record(**_window, method=text, limit=given(temperature), op=maybe(text), windowMs=maybe(whole), anchor=maybe(text),
                        severity=maybe(text), windows=maybe(whole), worst=given(record(**_window)), broken=flag, brokenAt=maybe(whole))),
    "budgets": listed(budget_state),
    "constants": record(
        activationJPerMol=whole, gasConstantJPerMolK=double, activationOverGasK=double, kelvinOffset=double, longestGapMs=whole,
        mktGridMs=maybe(whole), boundary=text, interpolation=text, rounding=text),
})

# JOIN.md

unit_budget = record(**{
    "unit": text, "from": whole, "to": whole, "unmonitoredMs": whole, "budgets": listed(budget_state), "ignored": maybe(listed(text))})

ATTACHED = "custody.attached"
PACKED = "orders.package_packed"
CLOSED = "orders.package_closed"
RECEIVED = "orders.unit_received"
PROFILE = "registry.profile_defined"
PRODUCT = "registry.product_defined"
SENSOR = "registry.sensor_defined"
CALIBRATION = "registry.calibration_defined"
REVISED = "correlate.verdict_revised"
COMMENTED = "excursion.commented"

# Types of events that bear on verdicts, by the form of their data.
facts = {
    ATTACHED: record(**{
        "id": text, "subject": reference, "in": given(reference), "at": whole, "uncertainty": maybe(whole), "rank": maybe(whole), "via": text,
        "made": whole, "corrects": maybe(text), "withdrawn": maybe(flag), "note": maybe(text)}),
    PACKED: record(id=text, shipment=maybe(text), profile=maybe(text), version=maybe(whole), at=whole, made=whole),
    CLOSED: record(id=text, how=maybe(text), at=whole, made=whole, reopen=maybe(flag)),
    RECEIVED: record(
        id=text, product=text, gtin=text, serial=text, lot=text, expiry=text, spent=maybe(listed(record(budget=text, ms=whole, source=text)))),
    PROFILE: record(**{"profile": profile, "from": maybe(whole)}),
    PRODUCT: record(
        id=text, name=text, gtin=maybe(text), ndc=maybe(text), profile=text, budgets=maybe(listed(budget)), activation=maybe(whole)),
    SENSOR: record(id=text, name=text, model=maybe(text), serial=maybe(text), accuracy=maybe(temperature)),
    CALIBRATION: record(**{
        "id": text, "sensor": text, "lab": text, "from": whole, "until": whole, "accuracy": temperature, "document": maybe(text)}),
    REVISED: record(**{
        "package": text, "profile": text, "version": whole, "product": maybe(text), "revision": whole, "digest": text, "was": maybe(text),
        "closed": maybe(flag), "cause": record(**{"kind": text, "detail": text, "from": maybe(whole), "to": maybe(whole)}), "verdict": verdict,
        "units": maybe(listed(unit_budget)), "dropped": maybe(flag)}),
}

# Bears on no verdict; its form is checked from format 3 on.
comment = record(
    id=text, text=text, attachments=maybe(listed(record(name=text, where=text, sha256=text, size=maybe(whole)))))
