// Package form gives stored EPCIS events the form in which they are told: with
// their record time, and with identifiers as GS1 Digital Link, as EPC URN or as
// they came.
package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// Form is how identifiers are written: a value of the header GS1-EPC-Format.
type Form string

// Forms. No_Preference is AsCame.
const (
	DigitalLink Form = "Always_GS1_Digital_Link"
	URN         Form = "Always_EPC_URN"
	AsCame      Form = "Never_Translates"
)

// Translator turns a GS1 Digital Link into an EPC URN; ok is false where it
// cannot be known, as where the company prefix may have several lengths.
type Translator func(link string) (urn string, ok bool)

// Event gives a stored event in a form. What cannot be translated stays as it
// came. A nil urn translates nothing to URN.
func Event(row repository.Row, f Form, urn Translator) (*epcis.Event, error) {
	t := teller{out: &bytes.Buffer{}}
	switch f {
	case DigitalLink:
		t.id = link
	case URN:
		t.id = func(s string) string {
			if urn == nil || !strings.HasPrefix(s, "http") {
				return s
			}
			if u, ok := urn(s); ok {
				return u
			}
			return s
		}
	}
	b, err := t.tell(row)
	if err != nil {
		return nil, fmt.Errorf("event %q as it is stored: %w", row.ID, err)
	}
	e, err := epcis.ParseEvent(b)
	if err != nil {
		return nil, fmt.Errorf("event %q as it is stored: %w", row.ID, err)
	}
	return e, nil
}

// Events is Event for all rows.
func Events(rows []repository.Row, f Form, urn Translator) ([]*epcis.Event, error) {
	all := make([]*epcis.Event, len(rows))
	for i, row := range rows {
		var err error
		if all[i], err = Event(row, f, urn); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// link gives an EPC URN as Digital Link; anything else is left as it is, a
// Digital Link of another domain too.
func link(s string) string {
	if strings.HasPrefix(s, "urn:epc:") {
		return epcis.Canonical(s)
	}
	return s
}

// ID gives one identifier in a form.
func ID(s string, f Form, urn Translator) string {
	switch f {
	case DigitalLink:
		return link(s)
	case URN:
		if urn != nil && strings.HasPrefix(s, "http") {
			if u, ok := urn(s); ok {
				return u
			}
		}
	}
	return s
}

// identifiers are the members of an event that are identifiers or lists of
// them, "", or objects in which one is, under that name.
var identifiers = map[string]string{
	"epcList": "", "childEPCs": "", "inputEPCList": "", "outputEPCList": "", "parentID": "", "transformationID": "",
	"quantityList": "epcClass", "childQuantityList": "epcClass", "inputQuantityList": "epcClass", "outputQuantityList": "epcClass",
	"readPoint": "id", "bizLocation": "id", "sourceList": "source", "destinationList": "destination",
}

// teller rewrites an event.
type teller struct {
	out *bytes.Buffer
	id  func(string) string // nil: as it came
}

func (t *teller) tell(row repository.Row) ([]byte, error) {
	t.out.Grow(len(row.Document) + 64)
	d := jsontext.NewDecoder(bytes.NewReader(row.Document), jsontext.AllowDuplicateNames(true))
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != '{' {
		return nil, errors.Join(errors.New("it is no object"), err)
	}
	t.out.WriteByte('{')
	for d.PeekKind() == '"' {
		tok, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := tok.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		if name == "recordTime" {
			continue
		}
		t.quote(name)
		t.out.WriteByte(':')
		member, known := identifiers[name]
		if known && t.id != nil {
			err = t.within(value, member)
		} else {
			t.out.Write(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t.out.WriteByte(',')
	}
	t.quote("recordTime")
	t.out.WriteByte(':')
	t.quote(time.UnixMilli(row.Recorded).UTC().Format("2006-01-02T15:04:05.000Z"))
	t.out.WriteByte('}')
	return t.out.Bytes(), nil
}

func (t *teller) quote(s string) {
	b, _ := jsontext.AppendQuote(t.out.AvailableBuffer(), s) // an error is only of invalid UTF-8, which it replaces
	t.out.Write(b)
}

// within copies a value and translates the texts that are identifiers: those
// under a name, or, for "", all that are in no object.
func (t *teller) within(value jsontext.Value, member string) error {
	d := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true))
	e := jsontext.NewEncoder(t.out, jsontext.AllowDuplicateNames(true))
	name := ""
	for {
		tok, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if tok.Kind() == '"' {
			kind, n := d.StackIndex(d.StackDepth())
			switch {
			case kind == '{' && n%2 == 1:
				name = tok.String()
			case kind == '{' && name == member, kind != '{' && member == "":
				tok = jsontext.String(t.id(tok.String()))
			}
		}
		if err := e.WriteToken(tok); err != nil {
			return err
		}
	}
}
