package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// kept is an event's JSON as it is stored: with its id, and without the record
// time of another repository. It gives its error declaration too, where it has
// one.
func kept(event []byte, id string) (document, declaration []byte, err error) {
	var out bytes.Buffer
	out.Grow(len(event) + len(id) + 20)
	quoted, err := jsontext.AppendQuote(nil, id)
	if err != nil {
		return nil, nil, fmt.Errorf("eventID %q: %w", id, err)
	}
	out.WriteString(`{"eventID":`)
	out.Write(quoted)
	err = members(event, func(name string, value []byte) error {
		switch name {
		case "eventID", "recordTime":
			return nil
		case "errorDeclaration":
			declaration = bytes.Clone(value)
		}
		quoted, err = jsontext.AppendQuote(quoted[:0], name)
		if err != nil {
			return err
		}
		out.WriteByte(',')
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(value)
		return nil
	})
	out.WriteByte('}')
	return out.Bytes(), declaration, err
}

// members visits what an object has. The value is valid until visit returns.
func members(object []byte, visit func(name string, value []byte) error) error {
	d := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	t, err := d.ReadToken()
	if err != nil || t.Kind() != '{' {
		return errors.Join(errors.New("event is no JSON object"), err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if err := visit(key, value); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
