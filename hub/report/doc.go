// Package report prints dossiers as PDF: of a shipment, and of a case. A report
// depends on its dossier and the hash of the evidence bundle and on nothing
// else, not even on the clock: made again, it is the same, byte for byte, so
// that its own hash can be kept.
package report
