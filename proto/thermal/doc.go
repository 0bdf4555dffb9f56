// Package thermal judges temperatures: storage profiles and their alarm rules,
// mean kinetic temperature, stability budgets, and time to a limit. Gateways
// and the hub judge with the same code.
//
// A verdict is a pure function of a profile, a thermal history and what was
// spent of stability budgets before. The history is stretches of one source
// each, in which the temperature is the straight line between readings, and
// stretches that are unmonitored. What is unmonitored is unknown: neither in
// range nor out. docs/verify/THERMAL.md states every rule, rounding and order
// of operations, so that a verdict can be made again without this code.
//
// [Evaluate] judges a whole history; an [Evaluator] takes the same steps as
// readings come, in bounded memory. There is one set of rules behind both, and
// the same history gives the same bytes whichever way it was fed.
//
// Numbers are integers wherever a verdict depends on them: milliseconds of
// UTC and thousandths of a degree. Only mean kinetic temperature needs floating
// point; it avoids fused operations and the machine's exp, and is rounded to
// thousandths of a degree before it is compared.
//
// An [Outlook] estimates when a limit will be reached. It ranks and warns, and
// no verdict depends on it.
package thermal

// EngineVersion names the rules by which verdicts are made. It changes whenever
// any history could be judged differently.
const EngineVersion = "1"
