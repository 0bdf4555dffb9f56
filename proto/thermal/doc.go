// Package thermal judges temperatures: storage profiles and their alarm rules,
// mean kinetic temperature, stability budgets, and time to a limit. Gateways
// and the hub judge with the same code.
//
// A verdict is a pure function of a profile and a thermal history. The history
// is stretches of one source each, in which the temperature is the straight
// line between readings, and stretches that are unmonitored. What is
// unmonitored is unknown: neither in range nor out.
//
// Numbers are integers wherever a verdict depends on them: milliseconds of
// UTC and thousandths of a degree.
package thermal

// EngineVersion names the rules by which verdicts are made. It changes whenever
// any history could be judged differently.
const EngineVersion = "1"
