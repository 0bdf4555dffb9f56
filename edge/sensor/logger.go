package sensor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"frostline/edge/ble"
	"frostline/edge/bus"
	"frostline/edge/outage"
	"frostline/proto/reading"
)

// Logger is a logger that advertises what it measures over Bluetooth: a
// RuuviTag, or one that speaks BTHome. It is heard, never asked.
//
// Accuracy and range are the logger's own: ±0.2 °C, ±2 %RH, -40 to 85 °C for a
// RuuviTag; BTHome says nothing of them. What looks like data and is not is told
// in package ble.
//
// A measurement counts from when it was first heard: most loggers send each
// many times, under one number, and hearing it again does not make it younger. A
// tick's reading is the newest measurement, if it is at most max-age old, and no
// answer otherwise. A BTHome logger that neither encrypts nor numbers its
// packets cannot be told from its own echo; each reception counts then.
type Logger struct {
	model   string
	radio   *ble.Radio
	device  ble.Address
	wanted  []reading.Quantity
	maxAge  int64 // ms
	decode  func(ble.Advertisement) (p ble.Packet, mine bool, err error)
	prepare func() error // reads what decode needs; asked before listening, and until it succeeds
	now     func() int64
	log     *slog.Logger
	outage  outage.Outage // guarded by mu

	mu       sync.Mutex
	packet   ble.Packet
	at       int64 // boottime at which packet was first heard, ms; 0 never
	refused  error // the last advertisement that was not used
	refuseAt int64
	counts   LoggerCounts
}

// LoggerCounts counts what was heard of a logger since the driver was made.
type LoggerCounts struct {
	Taken    uint64 // measurements
	Again    uint64 // the same ones heard again
	Refused  uint64 // advertisements that could not be used
	Replayed uint64 // of those, with a counter that had gone back
}

const loggerAddress = "the logger's address, such as CB:B8:33:4C:88:4F"

func checkLogger(s string) (remedy string) {
	if _, err := ble.ParseAddress(s); err != nil {
		return "want " + loggerAddress
	}
	return ""
}

func checkRadio(name string) (remedy string) {
	if _, _, err := ble.ParseName(name); err != nil {
		return "want a Bluetooth adapter, such as hci0"
	}
	return ""
}

var ruuviKind = kind{
	bus: "a Bluetooth adapter, such as hci0", real: true, checkBus: checkRadio,
	address: loggerAddress, checkAddress: checkLogger,
	options: []string{"max-age", "max-rate", "stuck-after"}, defaults: Options{MaxAge: 15 * time.Second, MaxRate: 5},
	limits: hygrometer,
	open: func(s Spec, env Env) (Driver, error) {
		return newLogger(s, env, ble.RuuviQuantities, func(l *Logger) {
			l.decode = func(a ble.Advertisement) (ble.Packet, bool, error) {
				data, mine := a.Manufacturer[ble.RuuviCompany]
				if !mine {
					return ble.Packet{}, false, nil
				}
				p, err := ble.DecodeRuuvi(l.device, data)
				return p, true, err
			}
		})
	},
}

var bthomeKind = kind{
	bus: "a Bluetooth adapter, such as hci0", real: true, checkBus: checkRadio,
	address: loggerAddress, checkAddress: checkLogger,
	options:  []string{"key-file", "measures", "max-age", "max-rate", "stuck-after"},
	defaults: Options{Measures: "temperature", MaxAge: 15 * time.Second, MaxRate: 5},
	limits:   hygrometer,
	open: func(s Spec, env Env) (Driver, error) {
		wanted, err := measures(s.Options.Measures)
		if err != nil {
			return nil, err
		}
		return newLogger(s, env, wanted, func(l *Logger) {
			d := &ble.BTHome{}
			var kept counterFile
			if path := s.Options.KeyFile; path != "" {
				kept = counterFile{path: path + ".counter", log: l.log, now: l.now}
				d.Key = &ble.Key{} // never without one, whatever happens to the file
				l.prepare = func() error {
					key, err := readKey(path)
					if err != nil {
						return err
					}
					d.Key = &key
					d.Counter, d.Seen, err = kept.read()
					return err
				}
			}
			l.decode = func(a ble.Advertisement) (ble.Packet, bool, error) {
				data, mine := a.Service[ble.BTHomeService]
				if !mine {
					return ble.Packet{}, false, nil
				}
				p, err := d.Decode(l.device, data)
				if errors.Is(err, ble.ErrReplay) {
					err = fmt.Errorf("%w: if its battery was changed, delete %s and start again", err, kept.path)
				}
				if err == nil && d.Key != nil {
					kept.keep(d.Counter)
				}
				return p, true, err
			}
		})
	},
}

// measures reads a list of quantities, of those that BTHome has.
func measures(list string) (qs []reading.Quantity, err error) {
	for _, name := range strings.Split(list, ",") {
		q, err := reading.ParseQuantity(strings.TrimSpace(name))
		if err != nil || !slices.Contains(ble.BTHomeQuantities, q) || slices.Contains(qs, q) {
			return nil, fmt.Errorf("measures %q: %q is none of a logger's, or there twice", list, name)
		}
		qs = append(qs, q)
	}
	return qs, nil
}

func newLogger(s Spec, env Env, wanted []reading.Quantity, finish func(*Logger)) (Driver, error) {
	device, err := ble.ParseAddress(s.Address)
	if err != nil {
		return nil, err
	}
	radio, err := env.Buses.Radio(s.Bus)
	if err != nil {
		return nil, err
	}
	l := &Logger{model: s.Driver, radio: radio, device: device, wanted: wanted, maxAge: s.Options.MaxAge.Milliseconds(),
		now: env.Now, log: env.Log.With("sensor", s.ID), prepare: func() error { return nil },
		outage: outage.Outage{Log: env.Log.With("sensor", s.ID, "device", device.String()), Fails: "advertisements of a logger are refused", Works: "advertisements of a logger are taken again"}}
	finish(l)
	return l, nil
}

// Model implements Driver.
func (l *Logger) Model() string { return l.model }

// Quantities implements Driver.
func (l *Logger) Quantities() []reading.Quantity { return l.wanted }

// Lead implements Driver.
func (l *Logger) Lead() time.Duration { return 0 }

// Close implements Driver.
func (l *Logger) Close() error { return nil }

// Begin implements Driver.
func (l *Logger) Begin(context.Context) error { return nil }

// Counts tells what was heard.
func (l *Logger) Counts() LoggerCounts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// keyAgain is how long a key that cannot be read is left alone.
const keyAgain = 5 * time.Second

// Run implements Runner.
func (l *Logger) Run(ctx context.Context) {
	for told := ""; ; {
		l.mu.Lock()
		err := l.prepare()
		l.refused = err
		if err != nil {
			l.refuseAt = l.now()
		}
		l.mu.Unlock()
		if err == nil {
			break
		}
		if err.Error() != told {
			told = err.Error()
			l.log.Error("logger cannot be heard", "err", err)
		}
		wait := time.NewTimer(keyAgain)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
	l.radio.Hear(ctx, l.device, l.hear)
}

// hear takes an advertisement of the logger.
func (l *Logger) hear(a ble.Advertisement) {
	at := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	p, mine, err := l.decode(a)
	switch {
	case !mine:
	case err != nil:
		l.counts.Refused++
		if errors.Is(err, ble.ErrReplay) {
			l.counts.Replayed++
		}
		l.outage.Failed(at, "", err)
		l.refused, l.refuseAt = err, at
	default:
		l.outage.Worked(at)
		l.take(p, at)
	}
}

// take notes a packet. l.mu is held.
func (l *Logger) take(p ble.Packet, at int64) {
	switch {
	case l.at != 0 && p.Numbered && l.packet.Numbered && p.Number == l.packet.Number:
		l.counts.Again++
	default:
		l.counts.Taken++
		l.packet, l.at, l.refused = p, at, nil
	}
}

// Read implements Driver.
func (l *Logger) Read(context.Context) ([]Value, error) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	where := fmt.Sprintf("%s logger %s", l.model, l.device)
	if l.at == 0 || now-l.at > l.maxAge {
		radio := l.radio.Err()
		switch {
		case l.refused != nil && now-l.refuseAt <= max(l.maxAge, 2*keyAgain.Milliseconds()):
			if errors.Is(l.refused, ble.ErrSecret) || errors.Is(l.refused, ble.ErrFormat) {
				return nil, fmt.Errorf("%s: %w: %w", where, l.refused, bus.ErrChecksum)
			}
			return nil, fmt.Errorf("%s: %w", where, l.refused)
		case radio != nil:
			return nil, fmt.Errorf("%s: %w", where, radio)
		case l.at == 0:
			return nil, fmt.Errorf("%s: never heard: is it near, and its battery good?", where)
		}
		return nil, fmt.Errorf("%s: nothing new for %v: is it near, and its battery good?", where, time.Duration(now-l.at)*time.Millisecond)
	}
	values := make([]Value, len(l.wanted))
	for i, q := range l.wanted {
		values[i] = Value{q, 0, reading.NotReady} // it says nothing of it
		if v, ok := l.packet.Values[q]; ok {
			values[i] = Value{q, v.Value, v.Quality}
		}
	}
	return values, nil
}
