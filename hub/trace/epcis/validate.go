package epcis

// Validate says all that is wrong with the event: nothing, if it may be
// captured.
func (e *Event) Validate() []Problem { return e.problems }

// Pointer is where the event stood in its document.
func (e *Event) Pointer() string { return e.pointer }

// created reads the creationDate.
func (d *Document) created(s string) {
	t, ok := parseTime(s)
	if !ok {
		d.Problems = append(d.Problems, Problem{"/creationDate", "a time with its zone is required, as 2026-11-20T18:42:00.000Z"})
	}
	d.Created = t
}

// checkEnvelope says what is wrong with a document around its events.
func (d *Document) checkEnvelope(list bool) {
	if !list {
		d.Problems = append(d.Problems, Problem{"/epcisBody", "an epcisBody with an eventList is required"})
	}
	switch d.SchemaVersion {
	case "2.0", "1.2", "1.1", "1.0", "2.0.0", "2.0.1", "2.1", "2.1.0":
	case "":
		d.Problems = append(d.Problems, Problem{"/schemaVersion", "it is required: \"2.0\", or \"1.2\" in XML"})
	default:
		d.Problems = append(d.Problems, Problem{"/schemaVersion", "the version " + d.SchemaVersion + " is not read here; send 2.0, or 1.2 in XML"})
	}
}
