package epcis

// check says what is wrong with a document around its events.
func (d *Document) check(n *node, contexted bool) {}

// Validate says all that is wrong with the event: nothing, if it may be
// captured.
func (e *Event) Validate() []Problem { return e.problems }

// Pointer is where the event stood in its document.
func (e *Event) Pointer() string { return e.pointer }
