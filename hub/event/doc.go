// Package event is the hub's event store: every domain event, in one order,
// in the hub's own store.
//
// A command reads what it needs, decides, and appends events, all in one
// transaction. In the same transaction each event gets its outbox row and is
// applied to the read models, so that whoever has been told that a command was
// done sees it done. A relay then publishes the outbox to JetStream, with the
// event's id as message id, and takes the rows out once they are acknowledged.
//
// # Read models
//
// A read model is a function of the events and of nothing else. It can be
// dropped and rebuilt, and then answers byte for byte as before.
//
// # Consumers
//
// A consumer does work that follows from events, such as notifying somebody.
// It keeps its place in the store and goes on from there after a crash.
package event
