// Package proof takes proofs of delivery: one call by which a shipment is handed
// over and its stop is completed, or nothing is.
//
// What is missing is named, all at once, and nothing is written. What does not
// match (a package that is not of this shipment, somebody else than the
// recipient, a stop that is held) is refused too, and written down: somebody
// stood at a door with the wrong box.
//
// The proof is one event. The hand-over of custody and the end of the stop
// follow from it, with ids that follow from its id: the call makes them, and
// Follow makes them again, so that a hub that dies in between completes what was
// proven, once.
//
// Where two persons or an identity check are wanted, as for therapies made of a
// patient's own cells, the job says so. A person is a token, of a check only the
// kind and result are kept, and of a signature or photo only where it is and its
// digest.
package proof
