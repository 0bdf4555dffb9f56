// Package progress tells from positions how far routes have come: when couriers
// arrived at stops and left them, and when they will.
//
// # Positions
//
// A position belongs to whoever was driving when it was taken, by the gateway's
// anchors, whenever it comes: gateway, vehicle, courier and route are looked up
// as they were at that time. Positions are read from history, which has them once
// and in order, and those of partners from what they reported of shipments. A
// route's track is followed as positions come; one that comes late, or is dated
// anew, has the whole track gone through again. So what comes out does not depend
// on the order in which positions come, nor on when the hub was killed.
//
// # Arrivals and departures
//
// Package fence tells visits to places. Here they become reports of stops, with
// ids made of what they say, so that they are told once. What was told is kept,
// as all reports are; where positions that came late show that it was another
// minute, another report says so, and dispatch goes by time. None says where: a
// stop is at a token, and what is in an event cannot be forgotten.
//
// # Estimates
//
// From the last position, or the last thing that was told, legs follow as the
// road engine estimates them, times what such legs really took (package learn),
// and hand-overs as long as such took, and windows that have to be waited for.
// The interval comes from the quantiles of what was observed. A leg that is slow
// is not compensated by the next as often as dice would: half of the spread of
// legs is taken to be common to all of them. Silence widens the interval, since
// nobody knows whether the courier has moved meanwhile, and is said.
//
// Estimates are no evidence, and are kept nowhere.
package progress
