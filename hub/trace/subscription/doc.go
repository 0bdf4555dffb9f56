// Package subscription keeps named EPCIS queries, and sends their events to
// those who subscribed to them.
//
// A delivery is an EPCISQueryDocument by POST, signed where the subscriber gave
// a signatureToken. A subscription moves on only when its receiver has answered
// with 2xx, so each event is delivered at least once, in the order of record
// time, also across restarts; a receiver tells repetitions by the eventID. One
// that fails is tried again with growing pauses for three days and is then
// given up, which shows in the subscription and in the log.
//
// A signatureToken is kept as it was given, since it is needed to sign: whoever
// can read the store can sign.
//
// A subscription is either a stream, told as events are captured, or has a
// schedule, in UTC. Of a schedule, parts that are left out and are smaller than
// the smallest one given are zero: {"hour":"1"} is once a day, at 01:00:00.
package subscription
