// Package custody keeps where things are and who has them: scans of
// attachments and hand-offs, corrected by appending, read back as intervals.
//
// # Scans
//
// A scan comes late, twice, or before the thing that it speaks of is known. It
// is a statement: its ID makes it one however often it is told, its times say
// when it holds and when it was made, and package timeline makes intervals of
// all statements whatever order they came in. What a person sends is taken or
// refused as a whole. A device cannot be asked again, so a scan of a device that
// speaks of something unknown is set aside: kept, counted, shown, and tried
// again when the thing becomes known.
//
// # Custody
//
// A hand-off names who gave and who took. That the giver is not who had it is
// written down and flagged, never refused: the goods have moved whatever the
// hub thinks of it.
package custody
