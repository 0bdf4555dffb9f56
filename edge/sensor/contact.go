package sensor

import (
	"context"
	"time"

	"periph.io/x/conn/v3/gpio"

	"frostline/proto/reading"
)

// InputLine is what a contact needs of its GPIO line.
type InputLine interface {
	Level(pull gpio.Pull) (gpio.Level, error)
}

// Contact is a contact on a GPIO line, of a door or of the gateway's enclosure: 0
// closed, 1 open.
//
// It has no accuracy and no range. The usual reed contact is closed by the magnet
// of a closed door, as a tamper switch is by the lid, and pulls the line to ground
// against the gateway's pull-up, so that an open door and a cut cable both read
// high: wired and configured the other way round, a cut cable looks like a closed
// door, and that of a tamper switch like a whole enclosure.
//
// A contact bounces for some milliseconds. It is looked at twice, and where the
// two differ a third time; what two of the three say is taken.
type Contact struct {
	model    string
	quantity reading.Quantity
	line     InputLine
	open     gpio.Level // of the line while the contact is open
	pull     gpio.Pull
	debounce time.Duration

	first gpio.Level
}

// NewDoor makes a driver of a door without reading the line. debounce lies
// between the two looks.
func NewDoor(line InputLine, open gpio.Level, pull gpio.Pull, debounce time.Duration) *Contact {
	return &Contact{model: "door", quantity: reading.Door, line: line, open: open, pull: pull, debounce: debounce}
}

// NewTamper is NewDoor for the enclosure.
func NewTamper(line InputLine, open gpio.Level, pull gpio.Pull, debounce time.Duration) *Contact {
	return &Contact{model: "tamper", quantity: reading.Tamper, line: line, open: open, pull: pull, debounce: debounce}
}

var (
	doorKind   = contactKind(NewDoor)
	tamperKind = contactKind(NewTamper)
)

func contactKind(fresh func(InputLine, gpio.Level, gpio.Pull, time.Duration) *Contact) kind {
	return kind{
		bus:     "a GPIO line such as GPIO17",
		options: []string{"open", "pull", "debounce"}, defaults: Options{Open: "high", Pull: "up", Debounce: 20 * time.Millisecond},
		open: func(s Spec, env Env) (Driver, error) {
			o := s.Options
			pull := map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}[o.Pull]
			return fresh(env.Buses.Line(s.Bus), gpio.Level(o.Open == "high"), pull, o.Debounce), nil
		},
	}
}

// Model implements Driver.
func (d *Contact) Model() string { return d.model }

// Quantities implements Driver.
func (d *Contact) Quantities() []reading.Quantity { return []reading.Quantity{d.quantity} }

// Lead implements Driver.
func (d *Contact) Lead() time.Duration { return d.debounce }

// Close implements Driver.
func (d *Contact) Close() error { return nil }

// Begin implements Driver.
func (d *Contact) Begin(context.Context) (err error) {
	d.first, err = d.line.Level(d.pull)
	return err
}

// Read implements Driver.
func (d *Contact) Read(context.Context) ([]Value, error) {
	l, err := d.line.Level(d.pull)
	if err != nil {
		return nil, err
	}
	if l != d.first {
		if l, err = d.line.Level(d.pull); err != nil {
			return nil, err
		}
	}
	v := Value{Quantity: d.quantity}
	if l == d.open {
		v.Value = 1
	}
	return []Value{v}, nil
}
