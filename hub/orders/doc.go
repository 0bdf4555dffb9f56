// Package orders keeps what a pharmacy system and carriers tell of orders,
// shipments, packages, units and stock, as events.
//
// The patient is an opaque token here and nothing else; what looks like more is
// refused.
//
// # Who is where
//
// A package belongs to one shipment at an instant, and a unit is in one package
// at an instant. Both follow from statements ordered by the time they speak of,
// so that late ones fall into their place. Where units and packages are is kept
// by custody, which Places stands for.
//
// # Statuses
//
// Carriers report late, twice, and out of order. The status of a shipment is
// that of the last report by its own time; a report after an end that is none
// itself is kept and told, and changes nothing.
package orders
