// Package influx copies committed readings to an InfluxDB server, or to any
// server that speaks its write interface, for dashboards and long-term figures.
// The copy is no evidence: that stays in the hub's own store.
//
// # Nothing lost, nothing twice
//
// Readings are taken in the order of commits, parcel by parcel, and turned into
// lines. The lines are put into a spool in the hub's store in the transaction
// that moves the cursor past their parcels, and leave it when the server has
// taken them. So every attempt sends the same bytes, and InfluxDB takes a point
// that it has, with the same series and time, for the same point.
//
// A server that refuses part of a batch says so for the whole of it. The batch
// is then halved, and halved again, until the refused points are alone; these
// are set aside with the server's words, counted and shown. The others are
// written.
//
// Readings that nobody can date yet wait until an anchor dates them. A reading
// that is dated better later keeps the time that it was written with, and its
// uncertainty beside it.
//
// # Points
//
// The measurement is the quantity ("temperature"), the tags are gateway and
// sensor, the fields are value, in the quantity's display unit (°C, %), and
// uncertainty_ms. A reading that is no measurement has a field flaw with the
// reason, and no value: a dashboard draws nothing there.
package influx
