// Package control is the protocol by which people and tests steer a running
// board: look at it, break a sensor, open a door, drive its clock.
//
// It shares the board's socket with the buses. A client connects and sends the
// bus name "control" as one frame of proto/simbus, the server answers with a
// status frame, and from then on both sides speak lines: one JSON object a
// line, a response for each request, in order.
//
//	{"op":"status"}
//	{"op":"fault","device":"probe-1","fault":"drift","value":0.5}
//	{"op":"fault","device":"room","fault":"none"}
//	{"op":"clock","mode":"driven","utc_ms":1763712000000,"to_ms":0}
//	{"op":"advance","to_ms":10000}
//	{"op":"clock","mode":"real","speed":1}
//
// A response is {"ok":true,…} or {"ok":false,"error":"…"}. All but status carry
// the board's time afterwards: now_ms and utc_ms. An unknown field is an error,
// a line longer than MaxLine ends the connection.
//
// # Time
//
// now_ms counts milliseconds of simulated time since the board started, or
// since a clock request set it. In real mode it runs by itself, speed times as
// fast as the world outside. In driven mode it stands still until an advance
// moves world, devices and receivers on to to_ms; the answer comes when they
// are there. Simulated time never goes back.
//
// A clock request may set utc_ms, the date and time that belongs to the
// present moment, and in driven mode to_ms, the number by which the present
// moment is called from now on. Rooms, boxes and vans go on as they are; the
// weather follows the date. To record eight hours that end now, a client asks
// for driven mode with utc_ms eight hours ago and to_ms 0, and advances.
//
// Real mode without utc_ms continues at the present UTC. Where that lies up to
// a day ahead of the simulated date the world lives through the difference at
// once, so that nothing stands still for it; otherwise the date is set.
//
// # Receivers in driven time
//
// A GNSS receiver sends one burst for each whole second of UTC. An advance
// that passes several of them sends the last alone: the others would be stale
// before anyone could read them, and a reader that dates them by their arrival
// would be misled. So a client that wants each second advances by at most a
// second. An advance returns when the burst has been read, for up to 250 ms
// where somebody reads. What nobody has read when the next burst comes is
// lost, as on a serial line.
package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bus is the bus name that opens the control protocol.
const Bus = "control"

// MaxLine is the longest line either side accepts, in bytes.
const MaxLine = 64 << 10

// Request is one line from the client. Which fields an operation takes is in
// the package comment.
type Request struct {
	Op     string   `json:"op"`
	Device string   `json:"device,omitempty"` // a device, or an object of the world
	Fault  string   `json:"fault,omitempty"`
	Value  *float64 `json:"value,omitempty"` // in the unit of the fault
	Mode   string   `json:"mode,omitempty"`  // "driven" or "real"
	Speed  float64  `json:"speed,omitempty"` // in real mode; default 1
	UTCms  *int64   `json:"utc_ms,omitempty"`
	ToMs   *int64   `json:"to_ms,omitempty"`
}

// Response is one line from the server.
type Response struct {
	OK     bool    `json:"ok"`
	Error  string  `json:"error,omitempty"`
	NowMs  int64   `json:"now_ms"`
	UTCms  int64   `json:"utc_ms"`
	Status *Status `json:"status,omitempty"`
}

// ParseRequest reads one line strictly.
func ParseRequest(line []byte) (Request, error) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("request is not one JSON object of known fields: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("request is not one JSON object: something follows it on the line")
	}
	return r, r.check()
}

// check refuses fields that do not belong to the operation.
func (r Request) check() error {
	allowed, ok := map[string][]string{
		"status": nil, "fault": {"device", "fault", "value"}, "advance": {"to_ms"}, "clock": {"mode", "speed", "utc_ms", "to_ms"},
	}[r.Op]
	if !ok {
		return fmt.Errorf("op %q is not known: want status, fault, advance or clock", r.Op)
	}
	for field, set := range map[string]bool{
		"device": r.Device != "", "fault": r.Fault != "", "value": r.Value != nil, "mode": r.Mode != "",
		"speed": r.Speed != 0, "utc_ms": r.UTCms != nil, "to_ms": r.ToMs != nil,
	} {
		if set && !slices.Contains(allowed, field) {
			return fmt.Errorf("op %s: field %s does not belong to it", r.Op, field)
		}
	}
	switch r.Op {
	case "fault":
		if r.Device == "" || r.Fault == "" {
			return fmt.Errorf("op fault: device %q and fault %q: want both", r.Device, r.Fault)
		}
	case "advance":
		if r.ToMs == nil {
			return errors.New("op advance: want to_ms")
		}
	case "clock":
		return r.checkClock()
	}
	return nil
}

// MaxSpeed is the highest speed of real mode.
const MaxSpeed = 1000

func (r Request) checkClock() error {
	const year2000, year2200 = 946_684_800_000, 7_258_118_400_000
	if r.UTCms != nil && (*r.UTCms < year2000 || *r.UTCms > year2200) {
		return fmt.Errorf("op clock: utc_ms %d: want milliseconds since 1970, in the years 2000 to 2199", *r.UTCms)
	}
	switch r.Mode {
	case "driven":
		if r.Speed != 0 {
			return errors.New("op clock: speed belongs to mode real")
		}
		if r.ToMs != nil && (*r.ToMs < 0 || *r.ToMs > year2200) {
			return fmt.Errorf("op clock: to_ms %d: want 0 or more", *r.ToMs)
		}
	case "real":
		if r.ToMs != nil {
			return errors.New("op clock: to_ms belongs to mode driven")
		}
		if r.Speed != 0 && !(r.Speed >= 0.01 && r.Speed <= MaxSpeed) {
			return fmt.Errorf("op clock: speed %g: want 0.01 to %d", r.Speed, MaxSpeed)
		}
	default:
		return fmt.Errorf("op clock: mode %q: want driven or real", r.Mode)
	}
	return nil
}
