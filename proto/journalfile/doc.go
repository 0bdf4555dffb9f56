// Package journalfile is the file in which a gateway's journal travels when it
// does not travel by network: on a stick, or with the gateway on a truck.
// "frostline-edge journal export" writes it, "frostline import-journal" and
// anybody who doubts it read it. docs/journal-file.md is the format for those
// who read it with other programs.
//
// It is text, one record a line, so that a line is the unit that can be edited,
// dropped or moved, and the first such change is named by its line and, where
// it is about one, its block:
//
//	SUM SP JSON LF
//
// JSON is one object without spaces, its fields in the order of the structs
// here, those with "omitempty" left out when empty, as encoding/json writes it.
// Any other spelling is refused. With R(0) 32 zero bytes and
// R(n) = SHA-256(R(n-1) || JSON of line n), SUM is the first 16 hexadecimal
// digits of R(n).
//
// The lines are: a header; for each stretch of consecutive blocks a run, its
// blocks with the chain head after each, and seals; absences between; an end.
// A seal follows on every SealBlocks blocks or SealBytes bytes of them, and
// ends every run: blocks without one after them prove no origin and are not to
// be believed. The end signs R of the line before it, and with that everything.
//
// Sums find damage and carelessness, the chain heads a change of blocks, and
// the signatures both, whatever else was made to fit.
//
// Writer and Reader hold one line in memory, whatever the length of the file.
package journalfile
