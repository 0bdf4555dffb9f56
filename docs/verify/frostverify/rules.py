"""What cannot be judged: THERMAL.md, section 8."""

import re

from .forms import thousandths

MINUTE = 60_000
DAY = 86_400_000
YEAR = 366 * DAY
FIRST, LAST = -2_208_988_800_000, 16_725_225_600_000  # 1900 and 2500
SEVERITIES = ("warning", "alarm", "critical")

_id = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Impossible(Exception):
    """A profile, an instant, a temperature or a budget cannot be."""


def _need(ok):
    if not ok:
        raise Impossible


def _text(s, least=1):
    _need(least <= len(s.encode("utf-8", "surrogatepass")) <= 500 and not re.search("[\x00-\x1f\x7f]", s))


def _temperature(t):
    _need(-273_150 < t <= 1_000_000)


def _instant(t):
    _need(FIRST <= t <= LAST)


def check_profile(p):
    _need(_id.fullmatch(p["id"]))
    _need(1 <= p["version"] <= 1_000_000)
    _text(p["name"])
    _text(p["source"], 0)
    for side in ("low", "high"):
        if side in p:
            _temperature(thousandths(p[side]))
    _need("low" not in p or "high" not in p or p["low"] <= p["high"])
    _limits(p["limits"])
    if "mkt" in p:
        _need(not p.get("frozen", False))
        m = p["mkt"]
        _temperature(thousandths(m["limit"]))
        _need(m["op"] in (">", ">=") and m["anchor"] in ("last", "following"))
        _need(12 * MINUTE <= m["window"] <= 2 * YEAR and m["window"] % (12 * MINUTE) == 0)
        _need(m.get("severity", "alarm") in SEVERITIES)
    _need(p["activation"] == 0 or 10_000 <= p["activation"] <= 500_000)
    _budgets(p.get("budgets", []))
    _need(1000 <= p["longestGap"] <= 31 * DAY)
    _need(0 <= p.get("accuracy", 0) <= 10)


def _limits(limits):
    _need(1 <= len(limits) <= 32 and len({x["name"] for x in limits}) == len(limits))
    for x in limits:
        _text(x["name"])
        _need(x["op"] in (">", ">=", "<", "<=") and x["timer"] in ("single", "cumulative") and x["severity"] in SEVERITIES)
        _temperature(thousandths(x["at"]))
        _need(0 <= x["delay"] <= 20 * YEAR and 0 <= x["deadband"] <= 100)
    highest = max((x["at"] for x in limits if x["op"][0] == "<"), default=None)
    _need(highest is None or all(x["at"] >= highest for x in limits if x["op"][0] == ">"))


def _budgets(budgets):
    _need(len(budgets) <= 32 and len({b["name"] for b in budgets}) == len(budgets))
    for b in budgets:
        _text(b["name"])
        _text(b["source"], 0)
        _need("above" in b or "below" in b)
        _need("above" not in b or "below" not in b or b["above"] < b["below"])
        for side in ("above", "below"):
            if side in b:
                _temperature(thousandths(b[side]))
        _need(1 <= b["allowed"] <= 20 * YEAR)
        kind = b.get("kind", "")
        _need(kind == "" or kind == "heat" and "above" in b or kind == "freeze" and "below" in b)


def check_history(h):
    _instant(h.start)
    _instant(h.end)
    for s in h.stretches:
        _instant(s.start)
        _instant(s.end)
        for t, v in s.samples:
            _instant(t)
            _temperature(v)
    for _, end, _ in h.unmonitored:
        _instant(end)


def check_spent(spent):
    for _, ms in spent:
        _need(0 <= ms <= 20 * YEAR)
