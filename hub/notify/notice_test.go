package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
)

func notice(t *testing.T, n fact.Notice) event.Event {
	t.Helper()
	n.ID, n.Saga, n.Excursion, n.Package, n.Order = "n1", "excursion-x", "x", "P1", "O1"
	b, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return event.Event{ID: "n1", Stream: "saga/excursion-x", Type: fact.NoticeWasGiven, At: t0, Data: b}
}

// TestNotices: each audience is told by its own rule; only who knows what a
// token stands for is given it.
func TestNotices(t *testing.T) {
	c := Config{
		Link: "https://hub.example.com", Source: "urn:hub", Webhooks: []Webhook{{Name: "pharmacy"}},
		Contacts: []Contact{{Name: "quality", Email: "quality@example.com"}, {Name: "night", Email: "night@example.com"}},
		Policies: []Policy{{Name: "all", Levels: []Level{{Notify: []string{"contact:night"}}}}},
		Sagas:    []Told{{"qa", []string{"contact:quality"}}, {"patient", []string{"webhook:pharmacy"}}},
	}
	for _, test := range []struct {
		audience, recipient string
		token               bool
	}{{"qa", "quality", false}, {"dispatch", "night", false}, {"patient", "pharmacy", true}, {"prescriber", "", false}} {
		all, lost, err := c.route(notice(t, fact.Notice{Audience: test.audience, What: "replaced", Patient: "pt_9f31c0de77", Replacement: "O2"}))
		if err != nil || lost {
			t.Fatalf("%s: lost %v, %v", test.audience, lost, err)
		}
		if test.recipient == "" {
			if len(all) != 0 {
				t.Errorf("%s: %+v is told", test.audience, all)
			}
			continue
		}
		if len(all) != 1 || all[0].Recipient != test.recipient || all[0].About != "x" {
			t.Fatalf("%s: %+v, want one to %s about x", test.audience, all, test.recipient)
		}
		if got := strings.Contains(all[0].Body, "pt_9f31c0de77"); got != test.token {
			t.Errorf("%s: token in %q: %v", test.audience, all[0].Body, got)
		}
		if strings.Contains(all[0].Subject, "pt_9f31c0de77") {
			t.Errorf("%s: the token is in the headline", test.audience)
		}
	}
	c.Policies, c.Sagas = nil, nil
	if _, lost, err := c.route(notice(t, fact.Notice{Audience: "qa", What: "parked"})); err != nil || !lost {
		t.Errorf("nobody is told that a saga is parked, and it is not counted: %v", err)
	}
}

func TestPatientsAreToldByWebhookAlone(t *testing.T) {
	c := example(t)
	c.Sagas = []Told{{"patient", []string{"contact:anna"}}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "known by a token only") {
		t.Errorf("got %v", err)
	}
}
