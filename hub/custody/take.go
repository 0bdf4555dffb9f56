package custody

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Scan is a statement to be taken: one of the two is set. A Made of 0 is the
// hub's clock, or, where the statement is known already, what it was.
type Scan struct {
	Attached   *fact.Attached
	HandedOver *fact.HandedOver
}

// ID is that of the statement.
func (s Scan) ID() string {
	if s.Attached != nil {
		return s.Attached.ID
	}
	return s.HandedOver.ID
}

func (s Scan) corrects() string {
	if s.Attached != nil {
		return s.Attached.Corrects
	}
	return s.HandedOver.Corrects
}

// Outcomes of a statement, as Counts counts them.
const (
	Taken    = "taken"     // it is in effect from now on
	Known    = "known"     // it was taken before
	SetAside = "set_aside" // it waits; only of devices
	Refused  = "refused"   // see Problem; only of devices
	Dropped  = "dropped"   // a person has dropped it before; only of devices
)

// Outcomes lists them.
var Outcomes = [...]string{Taken, Known, SetAside, Refused, Dropped}

// Outcome is what became of a statement.
type Outcome struct {
	ID      string   `json:"id"`
	State   string   `json:"state"`
	Problem string   `json:"problem,omitempty"`
	Flags   []string `json:"flags,omitempty"` // what a person should look at, in words
}

// Counts gives how many statements had each outcome since the start.
func (c *Custody) Counts() map[string]int64 {
	all := make(map[string]int64, len(Outcomes))
	for i, name := range Outcomes {
		all[name] = c.outcomes[i].Load()
	}
	return all
}

func (c *Custody) count(outcomes []Outcome) {
	for _, o := range outcomes {
		for i, name := range Outcomes {
			if o.State == name {
				c.outcomes[i].Add(1)
			}
		}
	}
}

// MaxBatch bounds the statements of one Take.
const MaxBatch = 1000

// Take takes statements, corrections after what they correct. When a person
// sends them (device is false), all are taken in one transaction or none: the
// error names the first that cannot be, as "statements.3: …", and is an
// ErrInvalid, ErrReused or ErrFull. When a device does, each has an outcome of
// its own: what speaks of unknown things is set aside, what makes no sense is
// refused; after an error some may have been taken, and all can be sent again. A
// statement that is known already is taken once. When Take gives no
// error, what it says is synced to disk.
func (c *Custody) Take(ctx context.Context, actor, reason string, scans []Scan, device bool) ([]Outcome, error) {
	if len(scans) == 0 || len(scans) > MaxBatch {
		return nil, invalidf("statements: %d of them; want 1 to %d", len(scans), MaxBatch)
	}
	if err := fact.CheckNote("reason", reason); err != nil {
		return nil, invalid{err}
	}
	for i, s := range scans {
		if (s.Attached == nil) == (s.HandedOver == nil) {
			return nil, invalidf("statements.%d: want one attachment or one hand-over", i)
		}
	}
	out := make([]Outcome, len(scans))
	order := correctionsLast(scans)
	chunk := len(scans)
	if device {
		chunk = takeAtOnce
	}
	for len(order) > 0 {
		part := order[:min(chunk, len(order))]
		order = order[len(part):]
		_, err := c.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
			return c.takeAll(ctx, ch, reason, scans, part, device, out)
		})
		if err != nil {
			return nil, err
		}
	}
	var err error
	c.count(out)
	for i, s := range scans {
		if h := s.HandedOver; h != nil && (out[i].State == Taken || out[i].State == Known) {
			if out[i].Flags, err = c.flagsOf(ctx, *h); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// takeAtOnce bounds the statements of a device in one transaction, so that the
// hub's other writers wait for tens of milliseconds only.
const takeAtOnce = 100

// correctionsLast orders statements so that a correction comes after what it
// corrects, as far as that is among them.
func correctionsLast(scans []Scan) []int {
	known := make(map[string]int, len(scans))
	for i, s := range scans {
		known[s.ID()] = i
	}
	depth := make([]int, len(scans))
	order := make([]int, len(scans))
	for i := range scans {
		order[i] = i
		for j, ok := i, true; ok && depth[i] <= len(scans); depth[i]++ {
			j, ok = known[scans[j].corrects()]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(depth[a], depth[b]) })
	return order
}

// takeAll takes those of the statements that todo names.
func (c *Custody) takeAll(ctx context.Context, ch event.Change, reason string, scans []Scan, todo []int, device bool, out []Outcome) error {
	for len(todo) > 0 {
		var later []int // speak of a statement that may be among those to come
		for _, i := range todo {
			state, err := c.take(ctx, ch, reason, scans[i])
			u := (*Unknown)(nil)
			switch {
			case err == nil:
				out[i] = Outcome{ID: scans[i].ID(), State: state}
			case errors.As(err, &u) && u.Field == "corrects":
				later = append(later, i)
			case !known(err):
				return err
			case !device:
				return fmt.Errorf("statements.%d: %w", i, err)
			default:
				if out[i], err = c.setAside(ctx, ch, reason, scans[i], err); err != nil {
					return err
				}
			}
		}
		if len(later) < len(todo) {
			todo = later
			continue
		}
		for _, i := range later {
			_, err := c.take(ctx, ch, reason, scans[i])
			if err == nil || !known(err) {
				return fmt.Errorf("statements.%d: taken apart from its target: %w", i, err)
			}
			if !device {
				return fmt.Errorf("statements.%d: %w", i, err)
			}
			if out[i], err = c.setAside(ctx, ch, reason, scans[i], err); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// known reports whether an error lies in the statement and not in the hub.
func known(err error) bool {
	return errors.Is(err, ErrInvalid) || errors.Is(err, ErrReused) || errors.Is(err, ErrFull)
}
