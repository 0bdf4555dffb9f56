package epcis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"time"
)

// Bounds of what is read.
const (
	// MaxDepth is how deep a document may nest.
	MaxDepth = 64
	// DefaultEventBytes is the size of an event if Limits does not say.
	DefaultEventBytes = 4 << 20
	// DefaultDocumentBytes is the size of a document if Limits does not say.
	DefaultDocumentBytes = 128 << 20
	// deferredBytes is the size of a body that stands before its context and
	// has to wait for it.
	deferredBytes = 16 << 20
)

// Limits bound what is read. The zero value stands for the defaults.
type Limits struct {
	EventBytes    int64 // of one event, and of all that is no event together
	DocumentBytes int64
}

// The kinds of document.
const (
	CaptureDocument = "EPCISDocument"
	QueryDocument   = "EPCISQueryDocument"
)

type version byte

const (
	version20 version = iota // the zero value: JSON is never older
	version12
)

// A Document is what a file or message carries beside its events.
type Document struct {
	// Type is CaptureDocument, QueryDocument, or a type of event for a single
	// event that stands alone.
	Type          string
	SchemaVersion string // "2.0", "1.2"
	Created       time.Time
	ID            string
	// QueryName and Subscription are those of query results.
	QueryName, Subscription string
	// Sender, Receiver and Instance are what the JSON form says of its header.
	Sender, Receiver, Instance string
	// Header is what stands in the header, as fields.
	Header []Field
	// Master is the master data in the header.
	Master []VocabularyElement
	// Ignored are the names of fields that the document asks to leave out of
	// hash ids, with their namespace in braces: see [Event.HashIDWithout].
	Ignored []string
	// Events is filled by [Parse], not by [Read].
	Events []*Event
	// Problems are those of the document around its events.
	Problems []Problem

	scope   *scope
	version version
}

// Errors of Read and Parse.
var (
	// ErrTooLarge is of a document or event beyond its limit.
	ErrTooLarge = errors.New("too large")
	// ErrMediaType is of a media type that is neither JSON nor XML.
	ErrMediaType = errors.New("media type not supported")
)

// SyntaxError is of bytes that are no document. Nothing after them was read.
type SyntaxError struct {
	Problem
	Err error
}

func (e *SyntaxError) Error() string {
	if e.Pointer == "" {
		return "epcis: " + e.Message
	}
	return "epcis: at " + e.Pointer + ": " + e.Message
}

func (e *SyntaxError) Unwrap() error { return e.Err }

func syntax(pointer string, err error, format string, args ...any) error {
	return &SyntaxError{Problem{pointer, fmt.Sprintf(format, args...)}, err}
}

// Parse reads a whole document with its events, within the default limits.
// The media type is application/json, application/ld+json, application/xml or
// text/xml, with parameters or without; if it is empty the first byte tells.
func Parse(document []byte, mediaType string) (*Document, error) {
	var events []*Event
	d, err := Read(bytes.NewReader(document), mediaType, Limits{}, func(e *Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.Events = events
	return d, nil
}

// Read reads a document and gives each event to f as soon as it is complete,
// with no more than one event in memory. An error of f ends it and is
// returned. If Read fails, events given before may be part of a broken
// document: whoever captures decides whether they stand.
func Read(r io.Reader, mediaType string, limits Limits, f func(*Event) error) (*Document, error) {
	if limits.EventBytes <= 0 {
		limits.EventBytes = DefaultEventBytes
	}
	if limits.DocumentBytes <= 0 {
		limits.DocumentBytes = DefaultDocumentBytes
	}
	m := &meter{r: r, most: limits.DocumentBytes}
	xml, err := isXML(m, mediaType)
	if err != nil {
		return nil, err
	}
	if xml {
		return readXML(m, limits, f)
	}
	return readJSON(m, limits, f)
}

func isXML(m *meter, mediaType string) (bool, error) {
	first, err := m.sniff()
	if err != nil {
		return false, err
	}
	if mediaType == "" {
		return first == '<', nil
	}
	t, _, err := mime.ParseMediaType(mediaType)
	switch {
	case err != nil:
	case t == "application/json", t == "application/ld+json":
		return false, nil
	case t == "application/xml", t == "text/xml":
		return true, nil
	}
	return false, fmt.Errorf("epcis: %w: %q; send application/ld+json, application/json or application/xml", ErrMediaType, mediaType)
}

// ParseEvent reads one event in JSON, as [Event.JSON] writes it or with the
// context of GS1.
func ParseEvent(event []byte) (*Event, error) {
	d, err := Parse(event, "application/json")
	if err != nil {
		return nil, err
	}
	if d.Type == CaptureDocument || d.Type == QueryDocument || len(d.Events) != 1 {
		return nil, syntax("/type", nil, "one event is wanted, not a document of type %q", d.Type)
	}
	return d.Events[0], nil
}

// meter counts and bounds what is read.
type meter struct {
	r     io.Reader
	ahead []byte
	n     int64
	most  int64 // of the document
	until int64 // offset where the present event has to end; 0: none
}

func (m *meter) Read(p []byte) (int, error) {
	if m.n >= m.most {
		return 0, fmt.Errorf("%w: the document has more than %d bytes; send it in parts", ErrTooLarge, m.most)
	}
	if m.until > 0 && m.n >= m.until {
		return 0, fmt.Errorf("%w: an event or header has more bytes than are allowed", ErrTooLarge)
	}
	if len(m.ahead) > 0 {
		n := copy(p, m.ahead)
		m.ahead = m.ahead[n:]
		m.n += int64(n)
		return n, nil
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	return n, err
}

// sniff gives the first byte that is no space and leaves it to be read. A byte
// order mark before it is taken away.
func (m *meter) sniff() (byte, error) {
	var b [1]byte
	for len(m.ahead) < 4096 {
		if _, err := io.ReadFull(m.r, b[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return 0, syntax("", io.ErrUnexpectedEOF, "the document is empty")
			}
			return 0, fmt.Errorf("epcis: reading a document: %w", err)
		}
		m.ahead = append(m.ahead, b[0])
		if string(m.ahead) == "\xef\xbb\xbf" {
			m.ahead = nil
			continue
		}
		if mark := b[0] == 0xef || len(m.ahead) == 2 && m.ahead[0] == 0xef; !mark && !bytes.ContainsAny(b[:], " \t\r\n") {
			return b[0], nil
		}
	}
	return 0, syntax("", nil, "the document begins with more than 4096 spaces")
}

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
		d.Problems = append(d.Problems, Problem{"/schemaVersion", fmt.Sprintf("the version %q is not read here; send 2.0, or 1.2 in XML", d.SchemaVersion)})
	}
}
