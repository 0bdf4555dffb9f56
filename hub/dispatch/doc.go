// Package dispatch keeps who carries what where: couriers, the jobs of
// delivering shipments, and routes, each one run of a courier with its stops,
// as they were planned and as they went. All of it is events.
//
// # Where people live
//
// A stop is at a site, or at a place that is known by a token only. The
// coordinates of a place are kept beside the events, not in them, and are
// forgotten some time after its last delivery: an event says that something
// was brought to a token.
//
// # Times
//
// Reports of geofences, drivers and carriers come late, twice and out of order.
// What a stop came to is a function of its reports ordered by the time they
// speak of.
//
// # What is elsewhere
//
//	plan      the order of stops, under windows, loads and thermal margins
//	road      how long it takes from one place to another
//	progress  from positions to arrivals, departures and ETAs
//	risk      which deliveries get too warm before they arrive
//	carrier   partners that carry for us, by a mapping file
package dispatch
