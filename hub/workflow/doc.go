// Package workflow runs sagas: what has to follow from an excursion, step by
// step, over days, however often the hub ends in between.
//
// # Steps of an excursion
//
//	quarantine   places a quality hold on the package and its units
//	find         looks up its shipment, order, job, and stops under way
//	stop         holds the stops, recalls the courier, or asks a person: Config.Stop
//	tell         quality and dispatch
//	disposition  waits until quality has signed; reminds it
//	lift         ends the hold of what is released
//	resume       lets the stops go, unless another hold stands
//	order        places an order like the one that cannot be delivered
//	shipment     plans its shipment
//	job          plans the delivery, which waits for a person to route it
//	tell outcome quality, dispatch, and by their token patient and prescriber
//
// # Once in effect
//
// The engine, dbos-transact-golang, remembers which steps have ended and does
// each at least once. Each is a command on the event log under ids that follow
// from the saga's id and the step, so it takes effect once. That it took effect
// is an event too, and is looked for first: the log is the truth, and the engine
// may lose all that it knows. A saga that the log says is open and the engine
// does not know, or knows under another version of the code, is run again from
// the log.
//
// What a saga waits for is also in the log. Messages to the engine only make it
// look, so that one which is lost or comes twice does no harm.
//
// A saga's code is deterministic: what it finds out it finds out within steps,
// and the same results lead to the same steps. Whoever changes the order of
// steps raises version.
//
// # When a step cannot be done
//
// Failures that another attempt may cure are tried again, after pauses with full
// jitter, Config.Tries times; while the hub's own store fails, without end. Then
// the saga is parked until a person decides: retry, skip with a reason, or
// compensate.
//
// A replacement that is refused (there is not enough in stock, an order that
// cannot be placed) is taken back in reverse before a person is asked, and tried
// again as a whole. Undoing that fails is parked as well.
//
//	step         undone by
//	quarantine   lifting the hold; where quality has not released it, it stays
//	find, tell   nothing
//	stop         letting the stops go; where quality has not released it, they stay
//	             held. A courier that was recalled stays so.
//	lift, resume nothing: quality has released it
//	order        cancelling the order
//	shipment     cancelling the shipment
//	job          cancelling the job
//
// Nothing that protects a patient is undone because a machine failed: only a
// person compensates what quality has not decided about.
//
// # Two excursions of one package
//
// Each has a saga of its own. A package stays held until the last of its holds is
// lifted, and it is replaced once: by the saga whose rejection is first in the log.
//
// # Concurrency
//
// An Engine is safe for concurrent use; at most four steps are at work at once.
// Decisions are synced to disk when they return nil.
package workflow
