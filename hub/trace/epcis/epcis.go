// Package epcis is the language of traceability events: GS1 EPCIS 2.0 in
// JSON-LD and in XML, and EPCIS 1.2 in XML, with the identifiers that the Core
// Business Vocabulary 2.0 (section 8.9) derives from what an event says.
//
// Every event is kept as one tree in the form of EPCIS 2.0 JSON, whichever
// language it came in: extensions as they came, numbers as they were written,
// members in their order. [Event.JSON] writes that tree; reading what it wrote
// gives the same bytes and the same hash id again. The typed fields of an
// [Event] are read from the tree and never written back.
//
// Reading has two steps. [Read] and [Parse] refuse what is no document: broken
// syntax, a member given twice, text that is not UTF-8, a DOCTYPE that declares
// anything, nesting
// beyond [MaxDepth], an event beyond [Limits]. [Event.Validate] then says all
// that is wrong with an event, each with its JSON pointer.
//
// JSON-LD contexts are not fetched. What the context of GS1 says is part of
// this package; prefixes and terms that a document declares in itself are
// used; any other context is kept and named, and adds nothing.
//
// Nothing here keeps state: values may be used by many goroutines as long as
// none of them changes one.
package epcis

import (
	"time"
)

// The five types of event.
const (
	ObjectEvent         = "ObjectEvent"
	AggregationEvent    = "AggregationEvent"
	TransactionEvent    = "TransactionEvent"
	TransformationEvent = "TransformationEvent"
	AssociationEvent    = "AssociationEvent"
)

// The three actions. A TransformationEvent has none.
const (
	Add     = "ADD"
	Observe = "OBSERVE"
	Delete  = "DELETE"
)

// An Event is one event as it was read. Fields the event does not have are
// empty. Identifiers are as they came, but with a prefix of the document's own
// written out; [Canonical] makes them comparable.
// Words of the standard vocabulary are bare ("shipping", "Temperature"),
// whether they came bare, as URN, as web URI or with a prefix; other
// vocabulary is a full URI where its prefix is known.
type Event struct {
	Type   string
	ID     string    // eventID
	Time   time.Time // eventTime, to the nanosecond, in UTC
	Offset string    // eventTimeZoneOffset, "+01:00"
	// RecordTime is when a repository captured it, and zero if that is not said.
	RecordTime time.Time
	Action     string

	EPCs       []string
	ParentID   string
	ChildEPCs  []string
	InputEPCs  []string
	OutputEPCs []string

	Quantities       []Quantity
	ChildQuantities  []Quantity
	InputQuantities  []Quantity
	OutputQuantities []Quantity

	TransformationID string
	BizStep          string
	Disposition      string
	// Set and Unset are those of persistentDisposition.
	Set, Unset   []string
	ReadPoint    string
	BizLocation  string
	Transactions []Transaction
	Sources      []Party
	Destinations []Party
	// Certifications are those of certificationInfo.
	Certifications []string
	Sensors        []SensorElement
	// Error is the error declaration: this event withdraws the one that has
	// the same content otherwise.
	Error *ErrorDeclaration

	root     node   // the event as an object, without its @context
	scope    *scope // what its prefixes mean
	pointer  string // where it stood in its document
	problems []Problem
	trace    bool // problems need pointers
	version  version
}

// Quantity is an element of a quantity list. Without an amount it says that
// there was some of the class.
type Quantity struct {
	Class  string // epcClass
	Amount Number // quantity
	Unit   string // uom, by UNECE recommendation 20; none: pieces
}

// Transaction is a business transaction: an order, a despatch advice.
type Transaction struct {
	Type string // may be empty
	ID   string
}

// Party is a source or a destination.
type Party struct {
	Type string // owning_party, possessing_party, location or a URI
	ID   string
}

// ErrorDeclaration says that an event was wrong.
type ErrorDeclaration struct {
	Time       time.Time
	Reason     string
	Corrective []string // correctiveEventIDs
}

// SensorElement is readings and what they have in common.
type SensorElement struct {
	// Metadata is that of all reports of the element.
	Metadata SensorMetadata
	Reports  []SensorReport
}

// SensorMetadata is what the reports of a sensor element have in common.
type SensorMetadata struct {
	Time, Start, End                  time.Time
	DeviceID, DeviceMetadata, RawData string
	// Method is dataProcessingMethod, Rules bizRules.
	Method, Rules string
}

// SensorReport is one reading, one summary of readings, or one alarm.
type SensorReport struct {
	Type                              string // of quantity: Temperature
	Exception                         string // ALARM_CONDITION, ERROR_CONDITION
	DeviceID, DeviceMetadata, RawData string
	Method, Rules                     string
	Time                              time.Time
	Microorganism, ChemicalSubstance  string
	Component                         string
	String, Hex, URI                  string // stringValue, hexBinaryValue, uriValue
	Bool                              string // booleanValue: "true", "false" or empty
	Value, Min, Max, Mean, StdDev     Number // StdDev is sDev
	PercRank, PercValue               Number
	Unit                              string // uom of all numbers but PercRank
	Reference                         string // coordinateReferenceSystem
}

// A Field is an extension: a name in a namespace, with a text, with fields of
// its own, or with both. Attributes of XML are fields whose name begins with
// "@". A list of several values is as many fields of one name.
type Field struct {
	Namespace, Name string
	Text            string
	Fields          []Field
}

// A Problem is one thing wrong with a document.
type Problem struct {
	// Pointer is the JSON pointer (RFC 6901) of the member concerned, in the
	// document as it came or, for XML, in its equivalent in JSON.
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

func (p Problem) Error() string {
	if p.Pointer == "" {
		return p.Message
	}
	return p.Pointer + ": " + p.Message
}
