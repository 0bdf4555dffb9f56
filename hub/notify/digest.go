package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// listed is how many excursions a message names one by one.
const listed = 100

// urgency orders what a message begins with: the first that holds for any of
// its excursions.
var urgency = []string{whatReopened, whatEscalated, whatWorse, "", whatWithdrawn}

var severityRank = map[string]int{"warning": 1, "alarm": 2, "critical": 3}

// digest gives subject and text of a message of news of one group, the newest
// of each excursion. packages counts all of the group that the recipient has
// been told of by then; later is true when there was a message before. One
// excursion alone is told by its own message.
func digest(all []item, packages int, later bool, link string) (subject, text string) {
	slices.SortStableFunc(all, func(a, b item) int {
		return cmp.Or(cmp.Compare(severityRank[b.Severity], severityRank[a.Severity]), cmp.Compare(a.From, b.From), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Case, b.Case))
	})
	worst := all[0]
	if len(all) == 1 && !later {
		return worst.Headline, worst.Text
	}
	what := urgency[len(urgency)-1]
	todo := worst.Todo
	for _, u := range urgency {
		if i := slices.IndexFunc(all, func(k item) bool { return k.What == u }); i >= 0 {
			what, todo = u, all[i].Todo
			break
		}
	}
	update := ""
	if later {
		update = "Update: "
	}
	place := cmp.Or(worst.Place, "place unknown")
	subject = line(fmt.Sprintf("%s[%s] %s%s: %s %s, profile %s", update, worst.Severity, what, place, plural(packages, "package"), worst.Short, worst.Profile))
	here, severities, units := map[string]int{}, map[string]int{}, 0
	var names []string
	for _, k := range all {
		here[k.Package] = max(here[k.Package], k.Units)
		severities[k.Severity]++
		names = append(names, k.Lots...)
	}
	for _, n := range here {
		units += n
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if n := len(names); n > 10 {
		names = append(names[:10], fmt.Sprintf("and %d more", n-10))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", subject)
	fmt.Fprintf(&b, "What:       %s\n", worst.Full)
	fmt.Fprintf(&b, "Where:      %s\n", cmp.Or(worst.Place, "nobody has told where"))
	fmt.Fprintf(&b, "How many:   %s, of which %d in this message\n", plural(packages, "package"), len(here))
	fmt.Fprintf(&b, "How bad:    %s\n", bySeverity(severities))
	fmt.Fprintf(&b, "Worst:      package %s: %s\n", worst.Package, worst.Bad)
	fmt.Fprintf(&b, "Affected:   %s%s\n", plural(units, "unit"), lotsOf(names))
	fmt.Fprintf(&b, "To do:      %s\n", line(todo))
	fmt.Fprintf(&b, "Look:       %s/view/excursions\n", link)
	fmt.Fprintf(&b, "\nEach has to be acknowledged: there is a deadline for each.\n\n")
	for _, k := range all[:min(listed, len(all))] {
		fmt.Fprintf(&b, "%s\n  %s\n", line(fmt.Sprintf("%spackage %s: %s, %s, since %s", k.What, k.Package, k.Short, k.Bad, k.Since)), k.Link)
	}
	if n := len(all) - listed; n > 0 {
		fmt.Fprintf(&b, "and %d more\n", n)
	}
	return subject, b.String()
}

func bySeverity(n map[string]int) string {
	var words []string
	for _, s := range []string{"critical", "alarm", "warning"} {
		if n[s] > 0 {
			words = append(words, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(words, ", ")
}

func lotsOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", lots " + line(strings.Join(names, ", "))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
