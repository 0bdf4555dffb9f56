// Package evidence makes the file by which a shipment's verdicts can be checked
// by somebody who trusts neither the hub nor its operator: readings as the
// blocks that gateways have signed, the facts with proofs that they are in the
// hub's log, and what the hub has concluded. Packages under it keep the log
// (ledger), let others vouch for it (witness), are the file (bundle) and check
// it (verify).
//
// # The same again
//
// A bundle holds what there was up to the last event about its shipment, and
// the first checkpoint kept after it: made again while nothing new has happened
// it is the same, byte for byte.
package evidence
