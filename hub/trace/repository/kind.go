package repository

// Kind is the field of an event that a term is of. The numbers are stored.
type Kind int64

// Kinds of terms.
const (
	Type            Kind = 1
	Action          Kind = 2
	BizStep         Kind = 3
	Disposition     Kind = 4
	ReadPoint       Kind = 5
	BizLocation     Kind = 6
	EPC             Kind = 7 // with roles
	Class           Kind = 8 // with roles
	BizTransaction  Kind = 9 // "TYPE ID"
	Source          Kind = 10
	Destination     Kind = 11
	Transformation  Kind = 12
	Set             Kind = 13 // persistent disposition
	Unset           Kind = 14
	ErrorReason     Kind = 15
	CorrectiveEvent Kind = 16
	SensorType      Kind = 17
	Device          Kind = 18
	Processing      Kind = 19
	Microorganism   Kind = 20
	Substance       Kind = 21
	BizRules        Kind = 22
	StringValue     Kind = 23
	HexValue        Kind = 24
	URIValue        Kind = 25
	BooleanValue    Kind = 26
	Present         Kind = 27 // name of a field that is there
	Extension       Kind = 28 // "FIELD VALUE"
	Measured        Kind = 29 // field of a Number
)

// Role is as what an EPC or a class takes part in an event. The numbers are
// stored.
type Role int64

// Roles.
const (
	None   Role = 0 // of terms that have no roles
	Child  Role = 1 // in epcList, childEPCs, or their lists of quantities
	Parent Role = 2
	Input  Role = 3
	Output Role = 4
)

// Term says that an event has a value.
type Term struct {
	Kind  Kind
	Value string
	Role  Role
}

// Number is something of an event that can be compared.
type Number struct {
	Field string  // of which field, in which unit
	Value float64 // in that unit; of a time, Unix milliseconds
}
