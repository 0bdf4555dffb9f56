// Package exception is the messages by which trading partners tell one another
// that product and its data do not agree: exception reports and responses in the
// schemas of the Partnership for DSCSA Governance (PDG), which are embedded.
//
// Whatever comes in or goes out is checked against its schema.
package exception

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"encoding/json"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// MaxBytes bounds a message.
const MaxBytes = 128 << 10

// ErrSchema is wrapped by errors about a message that its schema does not allow.
var ErrSchema = errors.New("not by the schema of the PDG")

// Resolutions that can be asked for.
const (
	SendData    = "Send new data"
	SendProduct = "Send product"
	Return      = "Return product"
	SendBack    = "Send back product"
	Credit      = "Credit account"
	Debit       = "Debit account"
)

// Sender is who sends a message.
type Sender struct {
	VP    *string `json:"vp"` // verifiable presentation; nil for none
	GLN   *string `json:"gln"`
	Email string  `json:"email"`
	Phone *string `json:"phone"`
}

// Report tells of exceptions.
type Report struct {
	Message    string     `json:"message_uuid"`
	Case       string     `json:"exception_case_uuid"`
	Timestamp  int64      `json:"timestamp"` // Unix seconds
	Order      string     `json:"po_number"`
	Sender     Sender     `json:"sender_information"`
	Exceptions Exceptions `json:"exceptions"`
	Others     []string   `json:"other_errors"`
	Resolved   bool       `json:"case_resolved"`
}

// Exceptions by what is wrong.
type Exceptions struct {
	NoData    []NoData    `json:"missing_product_data,omitempty"`
	NoProduct []NoProduct `json:"missing_product,omitempty"`
	Misfits   []Misfit    `json:"data_misalignment,omitempty"`
	Overages  []Quantity  `json:"overages,omitempty"`
	Underages []Quantity  `json:"underages,omitempty"`
	Master    *Master     `json:"master_data_errors,omitempty"`
}

// Count is how many items there are.
func (e Exceptions) Count() int {
	n := len(e.NoData) + len(e.NoProduct) + len(e.Misfits) + len(e.Overages) + len(e.Underages)
	if e.Master != nil {
		n += len(e.Master.GLN) + len(e.Master.GTIN)
	}
	return n
}

// NoData is product that came without data.
type NoData struct {
	Item   string  `json:"exception_item_uuid"`
	GTIN   string  `json:"product_gtin"`
	Source string  `json:"observation_source"` // Scan, Packing Slip, ASN, Other
	Ask    string  `json:"resolution_request"`
	Serial *string `json:"product_serial"`
}

// NoProduct is data without product.
type NoProduct struct {
	Item   string `json:"exception_item_uuid"`
	File   string `json:"file_id"`
	GTIN   string `json:"product_gtin"`
	Serial string `json:"product_serial"`
	Ask    string `json:"resolution_request"`
}

// Misfit is product whose data say something else than its label.
type Misfit struct {
	Item           string  `json:"exception_item_uuid"`
	ReceivedGTIN   string  `json:"received_product_gtin"`
	ReceivedLot    string  `json:"received_product_lot"`
	ReceivedExpiry string  `json:"received_product_expiry"`
	ReceivedSerial *string `json:"received_product_serial"`
	DataGTIN       string  `json:"product_data_gtin"`
	DataLot        string  `json:"product_data_lot"`
	DataExpiry     string  `json:"product_data_expiry"`
	DataSerial     *string `json:"product_data_serial"`
	Ask            string  `json:"resolution_request"`
}

// Quantity is more or less than was ordered.
type Quantity struct {
	Item     string `json:"exception_item_uuid"`
	GTIN     string `json:"gtin"`
	Ordered  int    `json:"quantity_ordered"`
	Received int    `json:"quantity_received"`
	Ask      string `json:"resolution_request"`
}

// Master is wrong master data.
type Master struct {
	GLN []struct {
		Item     string  `json:"exception_item_uuid"`
		Invalid  string  `json:"invalid_gln"`
		Proposed *string `json:"proposed_gln"`
		Ask      *string `json:"resolution_request"`
	} `json:"gln_errors"`
	GTIN []struct {
		Item     string  `json:"exception_item_uuid"`
		Invalid  string  `json:"invalid_gtin"`
		Proposed *string `json:"proposed_gtin"`
		Ask      *string `json:"resolution_request"`
	} `json:"gtin_errors"`
}

// Response answers a report.
type Response struct {
	Message   string `json:"message_uuid"`
	Case      string `json:"exception_case_uuid"`
	Timestamp int64  `json:"timestamp"`
	Sender    Sender `json:"sender_information"`
	Order     string `json:"po_number"`
	Items     []struct {
		Item        string          `json:"exception_item_uuid"`
		Answer      string          `json:"resolution_response"` // Accept, Reject
		Comments    *string         `json:"comments"`
		Alternative json.RawMessage `json:"alternative_resolution"`
	} `json:"response_items"`
	Notes *string `json:"additional_notes"`
}

// ReadReport reads and checks a report.
func ReadReport(text []byte) (r Report, err error) {
	if err = read("report_schema.json", text, &r); err != nil {
		return r, err
	}
	return r, ids(r.Message, r.Case)
}

// ReadResponse reads and checks a response.
func ReadResponse(text []byte) (r Response, err error) {
	if err = read("response_schema.json", text, &r); err != nil {
		return r, err
	}
	return r, ids(r.Message, r.Case)
}

// Encode writes a report, and checks it.
func (r Report) Encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	_, err = ReadReport(text)
	return text, err
}

// ids checks what the schema does not: that ids are UUIDs.
func ids(message, of string) error {
	for _, f := range [][2]string{{"message_uuid", message}, {"exception_case_uuid", of}} {
		if u, err := uuid.Parse(f[1]); err != nil || u.String() != f[1] {
			return fmt.Errorf("%s %q: %w: want a UUID in lower case", f[0], f[1], ErrSchema)
		}
	}
	return nil
}

//go:embed schemas/*.json
var files embed.FS

var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	out := map[string]*jsonschema.Schema{}
	names, err := fs.Glob(files, "schemas/*.json")
	if err != nil {
		return nil, err
	}
	for _, path := range names {
		text, err := files.ReadFile(path)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		name := path[len("schemas/"):]
		if err := c.AddResource("urn:pdg:"+name, doc); err != nil {
			return nil, err
		}
		if out[name], err = c.Compile("urn:pdg:" + name); err != nil {
			return nil, err
		}
	}
	return out, nil
})

func read(schema string, text []byte, into any) error {
	if len(text) > MaxBytes {
		return fmt.Errorf("message of %d bytes: %w: at most %d", len(text), ErrSchema, MaxBytes)
	}
	all, err := schemas()
	if err != nil {
		return fmt.Errorf("schemas of the PDG: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("message: %w: %w", ErrSchema, err)
	}
	if err := all[schema].Validate(doc); err != nil {
		return fmt.Errorf("message: %w: %w", ErrSchema, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("message: %w: %w", ErrSchema, err)
	}
	return nil
}
