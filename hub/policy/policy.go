// Package policy is the one table of who may do what at the hub: every page and
// every call of the interface for programs, with the roles of persons that may,
// whether a partner's program may, and the scope that a token needs besides.
//
// What has no entry is refused: neither pages nor interface start with a route
// that is missing here. Over the hub's Unix socket the kernel vouches for the
// caller, who may do everything; this table is not asked.
package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Roles of persons.
const (
	QA         = "qa"
	Approver   = "qa_approver"
	Pharmacist = "pharmacist"
	Dispatcher = "dispatcher"
	Driver     = "driver"
	Warehouse  = "warehouse"
	Auditor    = "auditor"
	Operator   = "operator"
	Admin      = "admin"
)

// Roles are all there are.
var Roles = []string{QA, Approver, Pharmacist, Dispatcher, Driver, Warehouse, Auditor, Operator, Admin}

// Rule says who may.
type Rule struct {
	Roles   []string // of persons; one of them is enough
	Partner bool     // programs of partners may too
	Open    bool     // whoever reaches the hub may
	Local   bool     // whoever asks from this machine may, and of others those with a role
}

// Person says whether a person with some roles may.
func (r Rule) Person(roles []string) bool {
	return r.Open || slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(r.Roles, role) })
}

// Actor says whether an actor, as events name them, may: a person by their
// roles, or a partner.
func (r Rule) Actor(actor string, roles []string) bool {
	switch kind, _, _ := strings.Cut(actor, "/"); kind {
	case "person":
		return r.Person(roles)
	case "partner":
		return r.Open || r.Partner
	}
	return false
}

// row is a line of the table: the same rule for several names.
type row struct {
	who   Rule
	names string // with white space between
}

// table makes a look-up of rows. A name that is there twice is a fault of the
// program.
func table(rows []row, split func(string) []string) map[string]Rule {
	out := map[string]Rule{}
	for _, r := range rows {
		for _, name := range split(r.names) {
			if _, twice := out[name]; twice {
				panic(fmt.Sprintf("policy: %s has two entries", name))
			}
			out[name] = r.who
		}
	}
	return out
}

// Call gives the rule of an operation of the interface for programs, by its id.
func Call(id string) (Rule, bool) { r, ok := calls[id]; return r, ok }

// Page gives the rule of a page or part of one, by the pattern of its route.
func Page(pattern string) (Rule, bool) { r, ok := pages[pattern]; return r, ok }

// Calls and Pages list the names that have entries, in order.
func Calls() []string { return names(calls) }

// Pages lists the patterns that have entries, in order.
func Pages() []string { return names(pages) }

func names(m map[string]Rule) (out []string) {
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// only is the rule for some roles.
func only(roles ...string) Rule { return Rule{Roles: roles} }

// and adds roles to a rule.
func (r Rule) and(roles ...string) Rule {
	r.Roles = slices.Concat(r.Roles, roles)
	return r
}

// partners lets partners' programs too.
func (r Rule) partners() Rule {
	r.Partner = true
	return r
}

// The circles that rows speak of.
var (
	everybody = only(Roles...)
	inside    = only(QA, Approver, Pharmacist, Dispatcher, Warehouse, Auditor, Operator, Admin) // all but drivers
	quality   = only(QA, Approver)
	technical = only(QA, Approver, Auditor, Operator, Admin)
	stock     = only(Warehouse, Pharmacist, Operator)
	transport = only(Dispatcher, Operator)
	gateways  = only(Operator, Admin)
)
