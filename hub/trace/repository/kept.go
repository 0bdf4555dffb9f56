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
	first, named := byte('{'), false
	add := func(name string, value []byte) error {
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return err
		}
		out.WriteByte(first)
		first = ','
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(value)
		return nil
	}
	err = members(event, func(name string, value []byte) error {
		switch name {
		case "recordTime":
			return nil
		case "eventID":
			named = true
		case "errorDeclaration":
			declaration = bytes.Clone(value)
		}
		return add(name, value)
	})
	if err == nil && !named {
		var quoted []byte
		if quoted, err = jsontext.AppendQuote(nil, id); err == nil {
			err = add("eventID", quoted)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("event %q: %w", id, err)
	}
	out.WriteByte('}')
	return out.Bytes(), declaration, nil
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
