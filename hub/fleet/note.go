package fleet

import (
	"fmt"
	"strings"

	"frostline/hub/intake"
)

// note says what a person should know of an account besides its numbers: why
// it does not add up, what lies outside of it, and why the epoch has ended.
func note(l intake.Line) string {
	said := append([]string(nil), l.Problems...)
	if l.Thinned > 0 {
		said = append(said, fmt.Sprintf("of the readings in gaps %d were thinned: frostline thinned tells what remains of them", l.Thinned))
	}
	if l.Unnumbered > 0 {
		said = append(said, fmt.Sprintf("besides, %d readings were lost before they could be kept", l.Unnumbered))
	}
	if l.Ended != "" {
		said = append(said, "the next epoch began because "+l.Ended)
	}
	return strings.Join(said, "; ")
}
