"""What a profile says of a history: THERMAL.md."""

import hashlib

from . import canonical
from .curve import Band, Curve, History, Stretch, cut, rounded, upper
from .forms import degrees, thousandths
from .kinetic import Kinetic, windows
from .rules import Impossible, check_history, check_profile, check_spent
from .watch import Watch, importance, kelvin_hours, order

ENGINE = "1"
LISTED = 200

METHOD = "K/(-ln(mean of exp(-K/T) over monitored time)), trapezoid rule, gaps neither bridged nor dropped"
BOUNDARY = (
    "each limit by its own comparison, exact; a rule is broken when the time beyond reaches its delay; "
    "the labelled range includes its ends; a budget is broken by more than it allows"
)
INTERPOLATION = (
    "temperature linear between readings; crossings to the nearest millisecond; rate of reaction linear between readings (trapezoid rule)"
)
ROUNDING = "temperatures to 0.001, areas to 0.000001 kelvin hours, halves up; mean kinetic temperature is compared after rounding"
RANKS = {"warning": 1, "alarm": 2, "critical": 3}

__all__ = ["History", "Impossible", "Stretch", "digest", "evaluate"]


def digest(document):
    return hashlib.sha256(canonical.dumps(document).encode()).hexdigest()


def evaluate(profile, history, spent=()):
    """The verdict of a profile, as a JSON object, on a history. Raises Impossible
    for what cannot be a profile, an instant, a temperature or a budget."""
    check_profile(profile)
    check_history(history)
    check_spent(spent)
    curve = Curve(history, profile["longestGap"])
    v = {
        "engine": ENGINE, "profile": profile["id"], "version": profile["version"], "profileDigest": digest(profile),
        "from": history.start, "to": history.end, "outcome": "in_range", "monitoredMs": curve.monitored,
        "unmonitoredMs": sum(b - a for a, b, _ in curve.gaps),
    }
    broken = []  # severities
    _simple(v, curve, profile)
    unknown = v["unmonitoredMs"] > 0 or curve.monitored == 0
    _limits(v, curve, profile, "unknown" if unknown else "in_range", broken)
    _gaps(v, curve)
    grid = _mkt(v, curve, profile, broken)
    _budgets(v, curve, profile, spent, broken)
    if unknown:
        v["outcome"] = "unknown"
    if any(s != "warning" for s in broken):
        v["outcome"] = "excursion"
    if broken:
        v["severity"] = max(broken, key=RANKS.get)
    v["constants"] = {
        "activationJPerMol": profile["activation"] or 83_144, "gasConstantJPerMolK": 8.3144,
        "activationOverGasK": float((profile["activation"] or 83_144) * 10_000) / 83_144, "kelvinOffset": 273.15,
        "longestGapMs": profile["longestGap"], "boundary": BOUNDARY, "interpolation": INTERPOLATION, "rounding": ROUNDING,
    }
    if grid:
        v["constants"]["mktGridMs"] = grid
    return v


def _simple(v, curve, profile):
    low = high = None
    for p in curve.pieces:
        for t in (p.a, p.b):
            x = p.value(t)
            if low is None or x < low[0]:
                low = x, t
            if high is None or x > high[0]:
                high = x, t
    if low is not None:
        v["min"], v["max"] = degrees(low[0]), degrees(high[0])
        for field, t in (("minAt", low[1]), ("maxAt", high[1])):
            if t:
                v[field] = t
    if curve.monitored > 0:
        v["mean"] = degrees(rounded(curve.area, 2 * curve.monitored))
    inside = sum(y - x for x, y in _labelled(profile).intervals(curve))
    v["inRangeMs"], v["outOfRangeMs"] = inside, curve.monitored - inside


def _labelled(profile):
    """The labelled range, and where there is none, what the limits leave."""
    low = high = None
    for limit in profile["limits"]:
        op, at = limit["op"], thousandths(limit["at"])
        if upper(op):
            if high is None or cut(op, at) < cut(*high):
                high = op, at
        elif low is None or cut(op, at) > cut(*low):
            low = op, at
    if "low" in profile:
        low = "<", thousandths(profile["low"])
    if "high" in profile:
        high = ">", thousandths(profile["high"])
    return Band(low, high)


def _limits(v, curve, profile, state, broken):
    v["limits"], events = [], []
    for i, limit in enumerate(profile["limits"]):
        w = Watch(dict(limit, at=thousandths(limit["at"]), deadband=thousandths(limit["deadband"])), i, curve)
        alarms = w.broken()
        s = {
            "limit": limit["name"], "state": "excursion" if alarms else state, "severity": limit["severity"], "beyondMs": w.total,
            "longestMs": max((e["held"] for e in w.events), default=0), "events": len(w.events), "alarms": len(alarms),
        }
        if alarms:
            broken.append(limit["severity"])
            if alarms[0]["alarm"]:
                s["alarmAt"] = alarms[0]["alarm"]
        v["limits"].append(s)
        events += w.events
    kept = sorted(sorted(events, key=importance)[:LISTED], key=order)
    v["excursions"] = [_event(e) for e in kept]
    if len(events) > LISTED:
        v["excursionsOmitted"] = len(events) - LISTED


def _event(e):
    limit, area = e["limit"], kelvin_hours(e["area"])
    out = {
        "limit": limit["name"], "op": limit["op"], "at": degrees(limit["at"]), "severity": limit["severity"], "from": e["from"], "to": e["to"],
        "ended": e["ended"], "broken": e["alarm"] is not None, "peak": degrees(e["peak"]), "peakAt": e["peakAt"], "durationMs": e["held"],
        "areaKelvinHours": area // 1_000_000 if area % 1_000_000 == 0 else area / 1_000_000,
    }
    if e["alarm"]:
        out["alarm"] = e["alarm"]
    if e["source"]:
        out["source"] = e["source"]
    return out


def _gaps(v, curve):
    kept = sorted(sorted(curve.gaps, key=lambda g: (g[0] - g[1], g[0]))[:LISTED])
    v["gaps"] = [{"from": a, "to": b, "reason": why} for a, b, why in kept]
    if len(curve.gaps) > LISTED:
        v["gapsOmitted"] = len(curve.gaps) - LISTED


def _mkt(v, curve, profile, broken):
    """Gives the grid of the MKT rule; None without one."""
    if profile.get("frozen", False) or curve.monitored == 0:
        return None
    kinetic = Kinetic(curve, profile["activation"])
    whole = kinetic.value(curve.start, curve.end)
    if whole is None:
        return None
    m = v["mkt"] = {
        "value": degrees(whole[0]), "from": curve.start, "to": curve.end, "monitoredMs": curve.monitored, "method": METHOD, "broken": False
    }
    if "mkt" not in profile:
        return None
    rule = dict(profile["mkt"], limit=thousandths(profile["mkt"]["limit"]))
    severity = rule.get("severity") or "alarm"
    m.update(limit=degrees(rule["limit"]), op=rule["op"], windowMs=rule["window"], anchor=rule["anchor"], severity=severity)
    number, worst = 0, None
    for start, end in windows(curve, rule):
        found = kinetic.value(start, end)
        if found is None:
            continue
        value, ms = found
        number += 1
        if worst is None or value > worst[0]:
            worst = value, start, end, ms
        if not m["broken"] and (value > rule["limit"] or value == rule["limit"] and rule["op"] == ">="):
            m["broken"] = True
            if end:
                m["brokenAt"] = end
    if number:
        m["windows"] = number
        m["worst"] = {"value": degrees(worst[0]), "from": worst[1], "to": worst[2], "monitoredMs": worst[3]}
    if m["broken"]:
        broken.append(severity)
    return rule["window"] // 720


def _budgets(v, curve, profile, spent, broken):
    v["budgets"] = []
    for b in profile.get("budgets", []):
        kind = b.get("kind") or ("heat" if "above" in b else "freeze")
        low = high = None
        if "above" in b:
            low = "<=" if kind == "heat" else "<", thousandths(b["above"])
        if "below" in b:
            high = ">" if kind == "heat" else ">=", thousandths(b["below"])
        before = sum(ms for name, ms in spent if name == b["name"])
        used, at = 0, None
        if before > b["allowed"]:
            at = curve.start
        for x, y in Band(low, high).intervals(curve):
            left = b["allowed"] - before - used
            if at is None and y - x > left:
                at = x + left
            used += y - x
        state = {
            "name": b["name"], "kind": kind, "allowedMs": b["allowed"], "spentBeforeMs": before, "spentMs": used,
            "leftMs": b["allowed"] - before - used, "broken": at is not None,
        }
        if at:
            state["brokenAt"] = at
        if at is not None:
            broken.append("critical")
        v["budgets"].append(state)
