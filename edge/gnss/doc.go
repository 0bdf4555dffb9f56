// Package gnss makes fixes of what a satellite receiver sends: NMEA 0183 of any
// talker, and SiRF binary, with noise, other binary protocols and broken lines
// in between. It takes bytes as they come, in pieces of any size, and never
// fails: what makes no sense is counted and passed over.
//
// Sentences of one second arrive one by one and in an order that each maker
// chose, so that a fix is put together, and reported when the last sentence of
// the second has come. The rules for that are those of gpsd, against whose
// recorded receivers the package is tested: which sentence ends a second is
// learnt from what comes before the time changes; until that is known, every
// sentence that changes position or mode gives a report. A report with mode 1
// says that there is no fix.
//
// Formats: NMEA 0183 (IEC 61162-1) as the makers document it, for instance
// u-blox "M10 interface description" UBX-21035062; SiRF "Binary Protocol
// Reference Manual" 1040-0041; the reports are named after "gpsd_json(5)".
//
// What looks like data and is not: see package sensor, which decides what of
// this becomes a reading. Here a fix is what the receiver claims, as gpsd would
// hand it on, with a wrong date where the receiver gives one.
package gnss
