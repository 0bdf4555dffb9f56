package policy_test

import (
	"maps"
	"slices"
	"testing"

	"frostline/hub/people"
	"frostline/hub/policy"
)

// Roles are the same where people are kept and where is said what they may.
func TestRolesAreThoseOfPeople(t *testing.T) {
	got := slices.Sorted(maps.Keys(people.Roles))
	if want := slices.Sorted(slices.Values(policy.Roles)); !slices.Equal(got, want) {
		t.Errorf("people have the roles %v, the table knows %v", got, want)
	}
}

// Every entry names roles that there are, lets somebody, and is in one way open.
func TestEntriesAreSound(t *testing.T) {
	look := func(what string, r policy.Rule) {
		if !r.Open && len(r.Roles) == 0 {
			t.Errorf("%s: nobody may", what)
		}
		if r.Open && (len(r.Roles) > 0 || r.Local || r.Partner) {
			t.Errorf("%s: open to all, and to some", what)
		}
		seen := map[string]bool{}
		for _, role := range r.Roles {
			if !slices.Contains(policy.Roles, role) || seen[role] {
				t.Errorf("%s: role %q is none, or there twice", what, role)
			}
			seen[role] = true
		}
	}
	for _, id := range policy.Calls() {
		r, _ := policy.Call(id)
		look("call "+id, r)
		if r.Open || r.Local {
			t.Errorf("call %s: open to whoever reaches the hub", id)
		}
	}
	for _, p := range policy.Pages() {
		r, _ := policy.Page(p)
		look("page "+p, r)
		if r.Partner {
			t.Errorf("page %s: open to programs", p)
		}
	}
}

// What each role may change is little, and an auditor and a driver can see and
// do no more than is theirs.
func TestLeastPrivilege(t *testing.T) {
	may := func(role, call string) bool {
		r, ok := policy.Call(call)
		if !ok {
			t.Fatalf("no call %s", call)
		}
		return r.Person([]string{role})
	}
	for _, id := range policy.Calls() {
		r, _ := policy.Call(id)
		if r.Actor("person/x", nil) || r.Actor("os/0", policy.Roles) || r.Actor("", policy.Roles) || r.Person([]string{"god"}) {
			t.Errorf("%s: who has no role may, or who is no person", id)
		}
	}
	for _, c := range []struct {
		role, call string
		want       bool
	}{
		{policy.QA, "approve-excursion", false}, {policy.Approver, "approve-excursion", true}, {policy.Admin, "sign-excursion", false},
		{policy.Admin, "put-order", false}, {policy.Driver, "report-stop", true}, {policy.Driver, "list-packages", false}, {policy.Driver, "list-orders", false},
		{policy.Dispatcher, "put-profile", false}, {policy.Warehouse, "put-route", false}, {policy.Pharmacist, "put-order", true},
		{policy.Operator, "list-people", false}, {policy.Auditor, "export-evidence", true}, {policy.QA, "revoke-token", false},
	} {
		if may(c.role, c.call) != c.want {
			t.Errorf("%s, %s: got %t", c.role, c.call, !c.want)
		}
	}
}
