package web

import (
	"encoding/csv"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"frostline/hub/policy"
)

// TestAuditIsSearched by who, what, when and why, and what was found is exported
// and nothing else.
func TestAuditIsSearched(t *testing.T) {
	g := openGuarded(t)
	eve := g.as("eve", policy.Auditor)
	now := g.now()
	stamp := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05") }
	row := regexp.MustCompile(`(?s)<tr>.*?</tr>`)
	for _, c := range []struct {
		name  string
		query url.Values
		has   []string // in the rows
		rows  int      // of records; -1 for any number above 0
		not   string
	}{
		{"nothing", url.Values{}, []string{"fewer readings", "the clock fix", "code created", "person added"}, -1, ""},
		{"who", url.Values{"who": {"june"}}, []string{"fewer readings", "code created"}, -1, "os/0"},
		{"all of who", url.Values{"who": {"person/june"}}, []string{"fewer readings"}, -1, "os/0"},
		{"another", url.Values{"who": {"nobody"}}, nil, 0, ""},
		{"words", url.Values{"words": {"READINGS  fewer"}}, []string{"fewer readings"}, 1, "code created"},
		{"words that are nowhere", url.Values{"words": {"%"}}, nil, 0, ""},
		{"kind", url.Values{"kind": {"rollout"}}, []string{"the clock fix"}, -1, "code created"},
		{"kind of event", url.Values{"what": {"no.such"}}, nil, 0, ""},
		{"before all", url.Values{"to": {stamp(now.Add(-48 * time.Hour))}}, nil, 0, ""},
		{"today", url.Values{"from": {stamp(now.Add(-time.Hour))}, "to": {stamp(now.Add(time.Hour))}}, []string{"fewer readings"}, -1, ""},
	} {
		at := "/view/audit"
		if len(c.query) > 0 {
			at += "?" + c.query.Encode()
		}
		p := eve.get(at)
		body := html.UnescapeString(p.body)
		all := strings.Join(row.FindAllString(body, -1), "")
		for _, want := range c.has {
			if p.code != http.StatusOK || !strings.Contains(all, want) {
				t.Errorf("%s: %d, without %q", c.name, p.code, want)
			}
		}
		if c.not != "" && strings.Contains(all, c.not) {
			t.Errorf("%s: with %q", c.name, c.not)
		}
		found := strings.Count(body, `data-label="record"`)
		if c.rows < 0 && found == 0 || c.rows >= 0 && found != c.rows {
			t.Errorf("%s: %d records", c.name, found)
		}
		file := eve.get("/view/audit/records.csv?" + c.query.Encode())
		lines, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
		if err != nil || file.code != http.StatusOK || len(lines) != found+1 {
			t.Errorf("%s: %d lines of %d records: %d, %v", c.name, len(lines), found, file.code, err)
		}
	}
	if p := eve.get("/view/audit/people.csv?who=os/0"); p.code != http.StatusOK || strings.Count(p.body, "\n") < 2 || strings.Contains(p.body, ",person/june,code") {
		t.Errorf("people: %d %s", p.code, p.body)
	}
	if p := eve.get("/view/audit/gateways.csv?words=nowhere"); p.code != http.StatusOK || strings.Count(p.body, "\n") != 1 {
		t.Errorf("gateways: %d %s", p.code, p.body)
	}
	for query, says := range map[string]string{
		"id=P1": "of which kind", "kind=UPPER": "want a word", "what=<b>": "kind of event", "from=yesterday": "not a time", "who=%00": "plain characters",
		"from=2026-01-02T00:00&to=2026-01-01T00:00": "a time after from", "words=" + strings.Repeat("x", 300): "at most 200",
	} {
		for _, at := range []string{"/view/audit?", "/view/audit/records.csv?", "/view/audit/people.csv?", "/view/audit/gateways.csv?"} {
			if p := eve.get(at + query); p.code != http.StatusUnprocessableEntity || !strings.Contains(html.UnescapeString(p.body), says) {
				t.Errorf("%s%s: %d", at, query, p.code)
			}
		}
	}
	for _, who := range []string{policy.QA, policy.Operator, policy.Driver} {
		v := g.as("x"+who, who)
		for _, at := range []string{"/view/audit", "/view/audit/records.csv"} {
			if p := v.get(at); p.code != http.StatusForbidden {
				t.Errorf("%s at %s: %d", who, at, p.code)
			}
		}
	}
}

// TestSift gives every entry that is taken once, in pages, and looks through a
// bounded number for each.
func TestSift(t *testing.T) {
	const last = 3 * mostLooked * exportAtOnce
	read := func(before int64, limit int) (out []int64, err error) {
		if before <= 0 || before > last+1 {
			before = last + 1
		}
		for before--; before > 0 && len(out) < limit; before-- {
			out = append(out, before)
		}
		return out, nil
	}
	for _, every := range []int64{1, 7, 499, 20_011, last + 1} {
		var got []int64
		pages := 0
		for before := int64(0); ; pages++ {
			out, next, err := sift(before, 100, read, func(n int64) int64 { return n }, func(n int64) bool { return n%every == 0 })
			if err != nil || len(out) > 100 {
				t.Fatalf("%d entries, %v", len(out), err)
			}
			if got = append(got, out...); next == 0 {
				break
			}
			before = next
		}
		if want := last / every; int64(len(got)) != want || pages > int(want)/100+4 {
			t.Errorf("each %d: %d entries in %d pages, want %d", every, len(got), pages, want)
		}
		for i, n := range got {
			if n != (last/every-int64(i))*every {
				t.Fatalf("each %d: entry %d is %d", every, i, n)
			}
		}
	}
}
