package scan

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"

	"frostline/hub/fact"
	"frostline/proto/pb"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

// Parts of what a scan states, each a line of its own.
const (
	place   = "place"
	custody = "custody"
)

// factID is that of the n-th statement of a line. It is derived, so that the
// same scan makes the same fact whenever it is worked in.
func factID(g group, part string, n int) string {
	sum := sha256.Sum256([]byte("frostline scan\n" + g.gateway + "\n" + g.root + "\n" + part))
	id := "scan:" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
	if n > 0 {
		id = fmt.Sprintf("%s.%d", id, n)
	}
	return id
}

// stated is the statement of a part by a scan, without ID and Corrects; nil
// where it says nothing of that part. made is when the scan was done.
func stated(m *pb.Scan, part string, at truetime.Moment, made int64) (*Statement, error) {
	subject, err := subjectOf(m)
	if err != nil {
		return nil, err
	}
	if part == custody {
		if m.Action != handOver {
			return nil, nil
		}
		return handedOver(m, subject, at, made)
	}
	if m.Action == handOver && m.Target == "" && !m.Leaves {
		return nil, nil
	}
	a := &fact.Attached{Subject: subject, At: at.UTC, Uncertainty: at.Uncertainty, Via: "scan", Made: made}
	if m.Target != "" {
		in, err := fact.ParseRef(m.Target)
		if err != nil {
			return nil, fmt.Errorf("target %q: %w", clip(m.Target), err)
		}
		a.In = &in
	}
	return &Statement{Attached: a}, nil
}

// subjectOf is what the code names.
func subjectOf(m *pb.Scan) (r fact.Ref, err error) {
	switch kinds[m.Kind] {
	case "unit":
		r = fact.Ref{Kind: fact.Unit, ID: m.Value}
	case "label", "sscc":
		if r.ID, err = fact.PackageID(m.Value); err != nil {
			return r, fmt.Errorf("the label %q cannot be a package's id: %w", clip(m.Value), err)
		}
		r.Kind = fact.Package
	default:
		return r, fmt.Errorf("what is scanned is of kind %d, which this hub does not know", m.Kind)
	}
	if actions[m.Action] == "" {
		return r, fmt.Errorf("what the scan says is of kind %d, which this hub does not know", m.Action)
	}
	return r, r.Check()
}

func handedOver(m *pb.Scan, subject fact.Ref, at truetime.Moment, made int64) (*Statement, error) {
	if int(m.Seal) >= len(seals) {
		return nil, fmt.Errorf("the seal is in state %d, which this hub does not know", m.Seal)
	}
	h := &fact.HandedOver{Subject: subject, From: m.From, To: m.To, Role: m.Role, At: at.UTC, Uncertainty: at.Uncertainty, Seal: seals[m.Seal], Made: made}
	if t := m.Temperature; t != nil {
		v := thermal.Temp(t.Value)
		h.Temperature = &v
	}
	if p := m.Position; p != nil {
		h.Position = &fact.Position{Latitude: p.Latitude, Longitude: p.Longitude, Accuracy: int64(min(p.Accuracy, 1<<40))}
	} else if h.NoPosition = clip(m.NoPosition); h.NoPosition == "" {
		h.NoPosition = "the gateway did not say"
	}
	return &Statement{HandedOver: h}, nil
}

// named gives a copy its ID and what it corrects, and checks it.
func (s *Statement) named(id, corrects string) (*Statement, error) {
	if s.Attached != nil {
		a := *s.Attached
		a.ID, a.Corrects = id, corrects
		return &Statement{Attached: &a}, a.Check()
	}
	h := *s.HandedOver
	h.ID, h.Corrects = id, corrects
	return &Statement{HandedOver: &h}, h.Check()
}

// withdrawn is a copy that takes the statement back.
func (s *Statement) withdrawn(made int64) *Statement {
	if s.Attached != nil {
		a := *s.Attached
		a.Withdrawn, a.Made = true, made
		return &Statement{Attached: &a}
	}
	h := *s.HandedOver
	h.Withdrawn, h.Made = true, made
	return &Statement{HandedOver: &h}
}

// takesBack says that it is a withdrawal.
func (s *Statement) takesBack() bool {
	return s != nil && (s.Attached != nil && s.Attached.Withdrawn || s.HandedOver != nil && s.HandedOver.Withdrawn)
}

func (s *Statement) times() (at, uncertainty, made int64) {
	if s.Attached != nil {
		return s.Attached.At, s.Attached.Uncertainty, s.Attached.Made
	}
	return s.HandedOver.At, s.HandedOver.Uncertainty, s.HandedOver.Made
}

// differs tells how far two statements of a line are apart: not at all, in their
// times alone by no more than Tolerance, or otherwise.
func (s *Statement) differs(o *Statement) (any, much bool) {
	x, y := s.bare(), o.bare()
	if x != y {
		return true, true
	}
	at1, u1, _ := s.times()
	at2, u2, _ := o.times()
	moved, wider := max(at1-at2, at2-at1), max(u1-u2, u2-u1)
	return moved+wider > 0, moved > Tolerance || wider > Tolerance
}

// bare is what a statement says but for its times and its place in the line.
func (s *Statement) bare() string {
	var v any
	if s.Attached != nil {
		a := *s.Attached
		a.ID, a.Corrects, a.At, a.Uncertainty, a.Made = "", "", 0, 0, 0
		v = a
	} else {
		h := *s.HandedOver
		h.ID, h.Corrects, h.At, h.Uncertainty, h.Made = "", "", 0, 0, 0
		v = h
	}
	b, _ := json.Marshal(v) // of a plain struct it cannot fail
	return string(b)
}

// clip bounds a text of the wire.
func clip(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.ToValidUTF8(s, "�")
}
