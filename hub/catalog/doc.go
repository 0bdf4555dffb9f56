// Package catalog is what people have entered: sites, zones, vehicles,
// compartments, gateways, sensors, totes, loggers, calibration certificates,
// storage profiles, products, and the parties that can have custody.
//
// A record is defined whole, by an event on its stream, and retired by another;
// nothing is edited or deleted, and [Catalog.Trail] tells who changed what, when
// and why. What refers to a retired record keeps its meaning, but nothing new
// may refer to it. A storage profile is a row of versions, each of which stays.
//
// # Checks
//
// A definition is checked in the transaction that appends it: shape, check
// digits, references to records that exist and are in use, and numbers that no
// other record may have. All that is wrong is told at once, in an [Invalid].
//
// # Versions
//
// The version of a record is that of its stream when it was last changed. It
// grows, by more than one where other contexts tell of the same thing; callers
// compare it for equality only.
//
// # Import
//
// [Catalog.Import] takes a file of records in one transaction: all of it or
// nothing. Records that are as they were are left alone, so running an import
// twice changes nothing.
package catalog
