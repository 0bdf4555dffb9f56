package verify

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Print writes the report as people read it. The second verifier, in
// docs/verify, writes the same.
func (r *Report) Print(w io.Writer) error {
	out := &sticky{w: w}
	if r.Shipment != "" {
		out.printf("Shipment %s, by log %s\n", r.Shipment, r.Origin)
	}
	if !r.Holds {
		out.printf("\nIT DOES NOT HOLD. The first thing that does not:\n  %s\n", r.Problems[0])
		if n := len(r.Problems) - 1 + r.More; n > 0 {
			out.printf("\nAnd what follows from it, or besides (%d):\n", n)
			for _, p := range r.Problems[1:] {
				out.printf("  %s\n", p)
			}
		}
		return out.err
	}
	c := r.Counts
	out.printf("\nIt holds%s: %s readings in %s blocks (%s more by hash), %s seals, %s events in %s streams, %s proofs.\n", r.until(), thousands(c.Readings),
		thousands(c.Blocks), thousands(c.Linked), thousands(c.Seals), thousands(c.Events), thousands(c.Streams), thousands(c.Proofs))
	for _, v := range r.Verdicts {
		state := "open, judged until then"
		if v.Closed {
			state = "closed"
		}
		out.printf("  package %s by profile %s version %d: %s, %s to %s (%s)\n", v.Package, v.Profile, v.Version, v.Outcome, second(v.From), second(v.To), state)
		if s := v.Signed; s != nil {
			out.printf("    by signed blocks alone: %s, vouched for until %s\n", s.Outcome, second(s.Until))
		}
	}
	for _, d := range r.Documents {
		out.printf("  document \"%s\" of %s, event %s: %s bytes, SHA-256 %s\n", d.Name, d.Stream, d.Event, thousands(uint64(d.Size)), d.SHA256)
	}
	pinned := "taken from the bundle"
	if r.Pinned {
		pinned = "pinned"
	}
	out.printf("Log key (%s): %s\nCheckpoint of %s entries", pinned, r.Key, thousands(r.Size))
	if len(r.Witnesses) > 0 {
		out.printf(", cosigned by %v", r.Witnesses)
	}
	out.printf("\n")
	for _, s := range r.Reservations {
		out.printf("But: %s.\n", s)
	}
	return out.err
}

// until says up to when it holds by what gateways have signed.
func (r *Report) until() string {
	var n uint64
	for _, t := range r.Unsigned {
		n += t.Last - t.First + 1
	}
	switch {
	case n == 0:
		return ""
	case r.VerifiedTo == 0:
		return fmt.Sprintf(", and %s blocks on which no verdict rests await their seal", thousands(n))
	}
	return fmt.Sprintf(", verified up to %s; %s blocks await their seal", second(r.VerifiedTo), thousands(n))
}

func second(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05Z") }

// thousands groups digits: "576,000".
func thousands[N int | uint64](n N) string {
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// sticky keeps the first error of printing.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) printf(format string, a ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, a...)
	}
}
