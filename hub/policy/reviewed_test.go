package policy_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"frostline/hub/policy"
)

var write = flag.Bool("write", false, "write testdata/reviewed.txt anew")

// letters are how testdata/reviewed.txt says roles.
var letters = []struct{ role, letter string }{
	{policy.QA, "Q"}, {policy.Approver, "V"}, {policy.Pharmacist, "P"}, {policy.Dispatcher, "D"}, {policy.Driver, "R"},
	{policy.Warehouse, "W"}, {policy.Auditor, "U"}, {policy.Operator, "O"}, {policy.Admin, "A"},
}

// who says on one line who may, each role at a place of its own.
func who(r policy.Rule) string {
	var b strings.Builder
	for _, l := range letters {
		if r.Person([]string{l.role}) {
			b.WriteString(l.letter)
		} else {
			b.WriteByte('-')
		}
	}
	for _, more := range []struct {
		is   bool
		word string
	}{{r.Partner, " partners"}, {r.Open, " anybody"}, {r.Local, " this-machine"}} {
		if more.is {
			b.WriteString(more.word)
		}
	}
	return b.String()
}

// TestTableIsAsReviewed holds the table against the list that people have read:
// the tests that walk pages and calls take the table's word, so that a role too
// many in it would be seen by nobody else. Who means a change writes the list
// anew, go test ./hub/policy -run Reviewed -write, and has the lines that
// changed read.
func TestTableIsAsReviewed(t *testing.T) {
	const file = "testdata/reviewed.txt"
	var b strings.Builder
	b.WriteString("# Who may: Q qa, V qa_approver, P pharmacist, D dispatcher, R driver, W warehouse, U auditor, O operator, A admin.\n")
	for _, name := range policy.Pages() {
		r, _ := policy.Page(name)
		fmt.Fprintf(&b, "%-50s %s\n", name, who(r))
	}
	for _, name := range policy.Calls() {
		r, _ := policy.Call(name)
		fmt.Fprintf(&b, "%-50s %s\n", name, who(r))
	}
	if *write {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reviewed, table := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	in := func(lines []string) map[string]bool {
		out := map[string]bool{}
		for _, l := range lines {
			out[l] = true
		}
		return out
	}
	was, is := in(reviewed), in(table)
	for _, l := range reviewed {
		if !is[l] {
			t.Errorf("reviewed, and not in the table: %s", l)
		}
	}
	for _, l := range table {
		if !was[l] {
			t.Errorf("in the table, and not reviewed: %s", l)
		}
	}
}

// reads are how the ids of calls begin by which something is read.
var reads = []string{"get-", "list-", "find-", "export-", "read-", "count-", "print-", "report-shipment", "report-excursion"}

// TestAuditorReadsAndNoMore: all that can be read, but for what names recipients,
// and nothing that changes anything.
func TestAuditorReadsAndNoMore(t *testing.T) {
	const recipients = "get-carrier-message" // a partner's own words, with names and addresses
	for _, id := range policy.Calls() {
		r, _ := policy.Call(id)
		read := false
		for _, begins := range reads {
			read = read || strings.HasPrefix(id, begins)
		}
		if may := r.Person([]string{policy.Auditor}); may != (read && id != recipients) {
			t.Errorf("%s: an auditor may: %t", id, may)
		}
	}
}
