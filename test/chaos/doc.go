// Package chaos breaks the running system at random instants, and then counts.
//
// Its tests are named after the promises they are about. Gateways and hub run
// as the real binaries wherever a process, a disk or a network is to fail; where
// the test has to stand between two parts, or to own the clock, the same parts
// run in the test's process. Whatever happened, two questions are asked in the
// end: does the account of every epoch add up, and does history hold each
// reading that a gateway has kept exactly once, with its value and quality,
// and no other.
//
// Every random choice comes from a seed that is printed when a test fails.
// FROSTLINE_CHAOS_SEED repeats it, as far as the scheduling of processes lets
// it. A failed test names a folder with journals, store and logs, and leaves it.
package chaos
