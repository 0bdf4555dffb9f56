package thermal

import (
	"fmt"
	"math"
	"slices"
)

// Reasons of the evaluator's own for unmonitored spans. Who feeds it may know
// better ones, and says them with Unmonitored.
const (
	ReasonNoReading = "no reading"
	ReasonLongGap   = "no reading for longer than the profile allows"
	ReasonUntold    = "nothing was said about this span"
)

// Evaluator judges a history as it comes, always from older to newer. What it
// has taken in is final: for a late or corrected reading, go back to a Clone or
// begin anew.
//
// Its memory is bounded: some hundred bytes for each limit and budget, the
// lists of the verdict, and 12 KB where the profile has an MKT rule with anchor
// "last". It is not safe for concurrent use.
type Evaluator struct {
	profile Profile
	digest  string
	from    int64
	longest int64 // gap, ms

	at     int64 // everything before is judged
	live   bool  // the temperature at at is known
	source string
	// The stretch under way, if open.
	open bool
	end  int64 // of it; maxInstant until it is told
	seen bool  // it has a sample: the last is t, v
	t    int64
	v    Temp
	rate float64
	// fast: the curve is judged to the last sample, which lies in the cell
	// lo..hi of temperatures between which no rule tells a difference.
	fast   bool
	lo, hi Temp
	tick   int64 // next instant of the MKT grid

	monitored int64
	area      int64   // twice the integral of the temperature
	heat      float64 // integral of the rate
	min, max  peak
	active    int // limits with an event under way

	rates   *rates
	cuts    []Temp // a cut c separates c and below from above, ascending
	limits  []watch
	bands   []band // first the labelled range, then the budgets
	kinetic *kinetic
	events  top[listed]
	gaps    gaps
}

type peak struct {
	known bool
	v     Temp
	at    int64
}

// NewEvaluator begins a history at an instant, Unix ms. The profile must be
// valid, and is not to be changed afterwards. Spent names time used of its
// budgets before; several for one budget add up.
func NewEvaluator(p *Profile, from int64, spent ...Spent) (*Evaluator, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("profile %s version %d: %w", p.ID, p.Version, err)
	}
	if err := instant(from); err != nil {
		return nil, fmt.Errorf("history begins at %w", err)
	}
	d, err := p.Digest()
	if err != nil {
		return nil, fmt.Errorf("profile %s version %d: %w", p.ID, p.Version, err)
	}
	e := &Evaluator{profile: *p, digest: d, from: from, at: from, longest: p.LongestGap, tick: math.MaxInt64}
	e.limits = make([]watch, len(p.Limits))
	for i := range p.Limits {
		e.limits[i] = newWatch(&e.profile.Limits[i], i)
		e.cuts = append(e.cuts, e.limits[i].cuts()...)
	}
	e.bands = append(e.bands, labelled(p))
	for i := range p.Budgets {
		e.bands = append(e.bands, budgetBand(&e.profile.Budgets[i]))
	}
	if err := e.spend(spent); err != nil {
		return nil, err
	}
	for i := range e.bands {
		e.cuts = append(e.cuts, e.bands[i].cuts()...)
	}
	if !p.Frozen {
		e.rates = ratesFor(activationK(p.Activation))
	}
	if p.MKT != nil {
		e.kinetic = newKinetic(e.profile.MKT, e.rates, from)
		e.tick = e.kinetic.tick
		e.cuts = append(e.cuts, cut(p.MKT.Op, p.MKT.Limit))
	}
	slices.Sort(e.cuts)
	e.cuts = slices.Compact(e.cuts)
	return e, nil
}

func (e *Evaluator) spend(spent []Spent) error {
	for _, s := range spent {
		i := slices.IndexFunc(e.profile.Budgets, func(b Budget) bool { return b.Name == s.Budget })
		if i < 0 {
			return fmt.Errorf("spent of budget %.80q: profile %s version %d has none of that name", s.Budget, e.profile.ID, e.profile.Version)
		}
		if s.Duration < 0 || s.Duration > MaxDuration {
			return fmt.Errorf("spent of budget %.80q: %d ms: want 0 to %d", s.Budget, s.Duration, MaxDuration)
		}
		b := &e.bands[i+1]
		if b.before += s.Duration; b.before > b.allowed {
			b.broken, b.brokenAt = true, e.from
		}
	}
	return nil
}

// Instants are bounded to where arithmetic is safe: 1 January 1900 to 2500.
const (
	minInstant int64 = -2_208_988_800_000
	maxInstant int64 = 16_725_225_600_000
)

func instant(t int64) error {
	if t < minInstant || t > maxInstant {
		return fmt.Errorf("%d: want UTC in Unix milliseconds, from 1900 to 2500", t)
	}
	return nil
}

// Covered is the instant up to which the history is judged.
func (e *Evaluator) Covered() int64 { return e.at }

// Clone gives an evaluator that goes on from the same state.
func (e *Evaluator) Clone() *Evaluator {
	c := *e
	c.limits = slices.Clone(e.limits)
	c.bands = slices.Clone(e.bands)
	c.events.list = slices.Clone(e.events.list)
	c.gaps.list = slices.Clone(e.gaps.list)
	c.kinetic = e.kinetic.clone()
	return &c
}

// Begin starts a stretch at an instant, which must not be before what is
// covered; what lies between is unmonitored. Its samples follow by Add, the
// first of them at or before from. It goes on until the next Begin or
// Unmonitored, or as Until says.
func (e *Evaluator) Begin(from int64, source string) error {
	if err := instant(from); err != nil {
		return fmt.Errorf("stretch %.80q begins at %w", source, err)
	}
	if from < e.at {
		return fmt.Errorf("stretch %.80q begins at %d: the history is judged to %d already; go back to a clone, or begin anew", source, from, e.at)
	}
	if err := text(source, 0); err != nil {
		return fmt.Errorf("source of a stretch %w", err)
	}
	e.leave(from)
	e.lose(from, ReasonUntold)
	e.open, e.seen, e.fast = true, false, false
	e.source, e.end = source, maxInstant
	return nil
}

// Until says when the stretch under way ends. A sample after that instant only
// gives the temperature up to it.
func (e *Evaluator) Until(to int64) error {
	if err := instant(to); err != nil {
		return fmt.Errorf("stretch %.80q ends at %w", e.source, err)
	}
	if !e.open || to < e.at {
		return fmt.Errorf("end of a stretch at %d: no stretch is under way, or it is judged to %d already", to, e.at)
	}
	e.end = to
	if e.seen && e.t >= to {
		e.fast = false
	}
	return nil
}

// Add takes the next reading of the stretch under way. Readings ascend by At.
// One that is refused changes nothing.
func (e *Evaluator) Add(s Sample) error {
	dt := s.At - e.t
	if !e.fast || s.Value < e.lo || s.Value > e.hi || dt <= 0 || dt > e.longest || s.At > e.end || s.At >= e.tick {
		return e.step(s)
	}
	e.monitored += dt
	e.area += int64(e.v+s.Value) * dt
	if e.rates != nil {
		r := e.rates.at(s.Value)
		e.heat += float64(float64(e.rate+r) * 0.5 * float64(dt))
		e.rate = r
	}
	if s.Value < e.min.v {
		e.min = peak{true, s.Value, s.At}
	}
	if s.Value > e.max.v {
		e.max = peak{true, s.Value, s.At}
	}
	if e.active > 0 {
		for i := range e.limits {
			e.limits[i].see(s.Value, s.At)
		}
	}
	e.at, e.t, e.v = s.At, s.At, s.Value
	return nil
}

// step is Add wherever anything may happen.
func (e *Evaluator) step(s Sample) error {
	switch {
	case !e.open:
		return fmt.Errorf("reading at %d: no stretch is under way; Begin one", s.At)
	case s.Value.possible() != nil:
		return fmt.Errorf("reading at %d: value %w", s.At, s.Value.possible())
	case e.seen && s.At <= e.t:
		return fmt.Errorf("reading at %d: not after the one before, at %d: sort readings and average those of one instant first", s.At, e.t)
	}
	if err := instant(s.At); err != nil {
		return fmt.Errorf("reading at %w", err)
	}
	if e.seen && e.t >= e.end { // the stretch is known to its end
		return nil
	}
	to := min(s.At, e.end)
	switch {
	case e.seen && s.At-e.t <= e.longest:
		seg := segment{e.t, s.At, e.v, s.Value}
		if to > e.at {
			e.pass(&seg, to)
		} else if to == e.at { // the stretch begins here, and may end here
			e.enter(&seg)
		}
	default:
		reason := ReasonNoReading
		if e.seen {
			reason = ReasonLongGap
		}
		e.lose(to, reason)
		if s.At == e.at {
			e.enter(&segment{s.At, s.At + 1, s.Value, s.Value})
		}
	}
	e.seen, e.t, e.v = true, s.At, s.Value
	if e.rates != nil {
		e.rate = e.rates.at(s.Value)
	}
	e.fast = e.live && e.at == s.At && e.at < e.end
	if e.fast {
		e.cell(s.Value)
	}
	return nil
}

// cell finds between which cuts a temperature lies.
func (e *Evaluator) cell(v Temp) {
	e.lo, e.hi = AbsoluteZero+1, MaxTemp
	for _, c := range e.cuts {
		if v <= c {
			e.hi = min(e.hi, c)
			return
		}
		e.lo = c + 1
	}
}

// leave ends the stretch under way at or before an instant.
func (e *Evaluator) leave(at int64) {
	if e.open && e.at < min(e.end, at) {
		e.lose(min(e.end, at), ReasonNoReading)
	}
	e.open, e.fast = false, false
}

// Unmonitored says that nothing vouches from what is covered to an instant, and
// why. It ends a stretch that is under way.
func (e *Evaluator) Unmonitored(to int64, reason string) error {
	if err := instant(to); err != nil {
		return fmt.Errorf("unmonitored to %w", err)
	}
	if to < e.at {
		return fmt.Errorf("unmonitored to %d: the history is judged to %d already; go back to a clone, or begin anew", to, e.at)
	}
	if err := text(reason, 1); err != nil {
		return fmt.Errorf("reason for an unmonitored span %w", err)
	}
	e.open, e.fast = false, false
	e.lose(to, reason)
	return nil
}
