package thermal

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of what a profile may say.
const (
	MaxTemp       Temp = 1_000_000 // 1000 °C
	MaxLimits          = 32
	MaxBudgets         = 32
	MaxDuration        = 20 * 366 * day // of delays, budgets and windows, ms
	MaxLongestGap      = 31 * day
	MinActivation      = 10_000 // J/mol
	MaxActivation      = 500_000
	MaxText            = 500 // bytes of a name or source

	// windowUnit divides every MKT window into whole seconds by gridCells.
	windowUnit = gridCells * second
)

// Durations in milliseconds.
const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
)

// Validate reports everything that is wrong with a profile, each with the
// field, its value and what to write instead.
func (p *Profile) Validate() error {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if !identifier(p.ID) {
		wrong("id %.80q: want 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'", p.ID)
	}
	if p.Version < 1 || p.Version > 1_000_000 {
		wrong("version %d: want 1 to 1000000; the first version is 1", p.Version)
	}
	if err := text(p.Name, 1); err != nil {
		wrong("name %w", err)
	}
	if err := text(p.Source, 0); err != nil {
		wrong("source %w", err)
	}
	for name, t := range map[string]*Temp{"low": p.Low, "high": p.High} {
		if t != nil {
			if err := t.possible(); err != nil {
				wrong("%s %w", name, err)
			}
		}
	}
	if p.Low != nil && p.High != nil && *p.Low > *p.High {
		wrong("low %s is above high %s: exchange them", p.Low, p.High)
	}
	errs = append(errs, validateLimits(p.Limits)...)
	if p.MKT != nil {
		if p.Frozen {
			wrong("mkt: mean kinetic temperature does not apply to frozen products: remove it, or frozen")
		}
		errs = append(errs, p.MKT.validate()...)
	}
	if p.Activation != 0 && (p.Activation < MinActivation || p.Activation > MaxActivation) {
		wrong("activation %d J/mol: want %d to %d, or 0 for %d", p.Activation, MinActivation, MaxActivation, DefaultActivation)
	}
	if err := ValidateBudgets(p.Budgets); err != nil {
		errs = append(errs, err)
	}
	if p.LongestGap < second || p.LongestGap > MaxLongestGap {
		wrong("longestGap %d ms: want %d (1s) to %d (31d): the longest time between readings that still counts as monitored", p.LongestGap, second, MaxLongestGap)
	}
	if p.Accuracy < 0 || p.Accuracy > 10_000 {
		wrong("accuracy %s: want 0 to 10 kelvin, 0 where any will do", p.Accuracy)
	}
	return errors.Join(errs...)
}

func validateLimits(limits []Limit) []error {
	var errs []error
	if len(limits) == 0 || len(limits) > MaxLimits {
		errs = append(errs, fmt.Errorf("limits: %d given: want 1 to %d; without one everything would be in range", len(limits), MaxLimits))
	}
	names := map[string]bool{}
	for i := range limits {
		l := &limits[i]
		wrong := func(format string, a ...any) {
			errs = append(errs, fmt.Errorf("limits[%d] %.80q: %w", i, l.Name, fmt.Errorf(format, a...)))
		}
		if err := text(l.Name, 1); err != nil {
			wrong("name %w", err)
		}
		if names[l.Name] {
			wrong("name is given twice: each limit wants its own")
		}
		names[l.Name] = true
		switch l.Op {
		case Above, AtOrAbove, Below, AtOrBelow:
		default:
			wrong("op %.20q: want >, >=, < or <=", string(l.Op))
		}
		if err := l.At.possible(); err != nil {
			wrong("at %w", err)
		}
		if l.Timer != Single && l.Timer != Cumulative {
			wrong("timer %.20q: want single or cumulative", string(l.Timer))
		}
		if l.Delay < 0 || l.Delay > MaxDuration {
			wrong("delay %d ms: want 0 to %d (20 years)", l.Delay, MaxDuration)
		}
		if l.Deadband < 0 || l.Deadband > 100_000 {
			wrong("deadband %s: want 0 to 100 kelvin", l.Deadband)
		}
		if !l.Severity.known() {
			wrong("severity %.20q: want warning, alarm or critical", string(l.Severity))
		}
	}
	for i := range limits {
		for j := range limits {
			up, down := &limits[i], &limits[j]
			if up.Op.upper() && !down.Op.upper() && up.At < down.At {
				errs = append(errs, fmt.Errorf("limits %.80q (%s %s) and %.80q (%s %s): no temperature is within both: were they exchanged?",
					up.Name, up.Op, up.At, down.Name, down.Op, down.At))
			}
		}
	}
	return errs
}

func (r *MKTRule) validate() []error {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf("mkt: "+format, a...)) }
	if err := r.Limit.possible(); err != nil {
		wrong("limit %w", err)
	}
	if !r.Op.upper() {
		wrong("op %.20q: want > or >=; a mean kinetic temperature has no lower limit", string(r.Op))
	}
	if r.Window < windowUnit || r.Window > 2*366*day || r.Window%windowUnit != 0 {
		wrong("window %d ms: want a multiple of %d (12m), at most 2 years", r.Window, windowUnit)
	}
	if r.Anchor != AnchorLast && r.Anchor != AnchorFollowing {
		wrong("anchor %.20q: want last (the window ends with the excursion) or following (it begins with it)", r.Anchor)
	}
	if r.Severity != "" && !r.Severity.known() {
		wrong("severity %.20q: want warning, alarm or critical", string(r.Severity))
	}
	return errs
}

// ValidateBudgets reports what is wrong with stability budgets, as Validate does.
func ValidateBudgets(budgets []Budget) error {
	var errs []error
	if len(budgets) > MaxBudgets {
		errs = append(errs, fmt.Errorf("budgets: %d given: want at most %d", len(budgets), MaxBudgets))
	}
	names := map[string]bool{}
	for i := range budgets {
		b := &budgets[i]
		wrong := func(format string, a ...any) {
			errs = append(errs, fmt.Errorf("budgets[%d] %.80q: %w", i, b.Name, fmt.Errorf(format, a...)))
		}
		if err := text(b.Name, 1); err != nil {
			wrong("name %w", err)
		}
		if err := text(b.Source, 0); err != nil {
			wrong("source %w", err)
		}
		if names[b.Name] {
			wrong("name is given twice: each budget wants its own")
		}
		names[b.Name] = true
		switch {
		case b.Above == nil && b.Below == nil:
			wrong("above and below: none given: want the band that the budget is for")
		case b.Above != nil && b.Below != nil && *b.Above >= *b.Below:
			wrong("above %s is not less than below %s: exchange them", b.Above, b.Below)
		}
		for name, t := range map[string]*Temp{"above": b.Above, "below": b.Below} {
			if t != nil {
				if err := t.possible(); err != nil {
					wrong("%s %w", name, err)
				}
			}
		}
		if b.Allowed < 1 || b.Allowed > MaxDuration {
			wrong("allowed %d ms: want 1 to %d (20 years)", b.Allowed, MaxDuration)
		}
		switch {
		case b.Kind != "" && b.Kind != Heat && b.Kind != Freeze:
			wrong("kind %.20q: want heat or freeze", string(b.Kind))
		case b.Kind == Heat && b.Above == nil:
			wrong("kind heat: above is missing: a budget of heat is spent above something")
		case b.Kind == Freeze && b.Below == nil:
			wrong("kind freeze: below is missing: a budget of freezing is spent below something")
		}
	}
	return errors.Join(errs...)
}

func (s Severity) known() bool { return s == Warning || s == Alarm || s == Critical }

// possible reports whether a temperature can be measured at all.
func (t Temp) possible() error {
	if t <= AbsoluteZero || t > MaxTemp {
		return fmt.Errorf("%s: want degrees Celsius above %s and at most %s", t, AbsoluteZero, MaxTemp)
	}
	return nil
}

func text(s string, least int) error {
	switch {
	case len(s) < least:
		return errors.New("is empty: give one")
	case len(s) > MaxText:
		return fmt.Errorf("%.40q… has %d bytes: want at most %d", s, len(s), MaxText)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%.40q: want text without control characters", s)
	}
	return nil
}

func identifier(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	})
}
