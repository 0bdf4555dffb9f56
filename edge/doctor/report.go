package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// report writes results as they come.
type report struct {
	out    io.Writer
	json   bool
	part   string
	counts map[Outcome]int
	cut    error // why the examination ended early
	err    error // of out; the first one
}

func newReport(out io.Writer, asJSON bool) *report {
	return &report{out: out, json: asJSON, counts: map[Outcome]int{}}
}

func (r *report) begin(part string) { r.part = part }

func (r *report) add(x Result) {
	x.Part, x.Found, x.Do = r.part, plain(x.Found), plain(x.Do)
	r.counts[x.Outcome]++
	r.write(x)
}

// end adds the sum and gives the exit status.
func (r *report) end() (exit int, err error) {
	sum := Result{Part: "overall", Check: "overall", Outcome: OK, Found: "nothing to see to"}
	total := 0
	for _, n := range r.counts {
		total += n
	}
	switch {
	case r.cut != nil:
		exit, sum.Outcome, sum.Found = 1, Fail, fmt.Sprintf("the examination was not finished: %v", r.cut)
	case r.counts[Fail] > 0:
		exit, sum.Outcome = 1, Fail
		sum.Found = fmt.Sprintf("%d of %d checks failed", r.counts[Fail], total)
		if n := r.counts[Warn]; n > 0 {
			sum.Found += fmt.Sprintf(", %d to see to", n)
		}
	case r.counts[Warn] > 0:
		sum.Outcome, sum.Found = Warn, fmt.Sprintf("nothing failed, %d of %d checks to see to", r.counts[Warn], total)
	}
	if n := r.counts[Skipped]; n > 0 {
		sum.Found += fmt.Sprintf(", %d skipped", n)
	}
	r.write(sum)
	return exit, r.err
}

func (r *report) write(x Result) {
	if r.err != nil {
		return
	}
	if r.json {
		r.err = json.NewEncoder(r.out).Encode(x)
		return
	}
	text := fmt.Sprintf("%-7s  %-24s  %s\n", x.Outcome, x.Check, x.Found)
	if x.Do != "" && (x.Outcome == Warn || x.Outcome == Fail) {
		text += strings.Repeat(" ", 35) + "-> " + x.Do + "\n"
	}
	_, r.err = io.WriteString(r.out, text)
}

// plain makes one line of text that came from elsewhere.
func plain(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s))
}
