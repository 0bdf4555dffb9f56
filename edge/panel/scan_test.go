package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"frostline/edge/scan"
)

// counter is a Scanning of the tests: it takes what begins with a digit or a
// separator.
type counter struct {
	mu      sync.Mutex
	entries []scan.Entry // newest first
	asked   []scan.Request
	err     error
}

func (c *counter) Scan(_ context.Context, q scan.Request) (scan.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, q)
	if c.err != nil {
		return scan.Result{}, c.err
	}
	if i := slices.IndexFunc(c.entries, func(e scan.Entry) bool { return e.ID == q.ID }); q.ID != "" && i >= 0 {
		return scan.Result{Entry: c.entries[i], Repeated: true}, nil
	}
	if q.Withdrawn {
		i := slices.IndexFunc(c.entries, func(e scan.Entry) bool { return e.ID == q.Corrects })
		c.entries[i].Replaced = true
		q.Code, q.Action, q.Target = c.entries[i].Code, c.entries[i].Action, c.entries[i].Target
	} else if q.Code == "" || strings.Contains(q.Code, "!") {
		return scan.Result{}, &scan.Problem{Code: scan.CodeCheckDigit, Field: "code", Why: "its check digit is wrong"}
	}
	if q.ID == "" {
		q.ID = fmt.Sprintf("drawn-here-%d", len(c.entries))
	}
	e := scan.Entry{Scan: scan.Scan{Request: q, Subject: scan.Subject{Kind: scan.Label, Value: q.Code}}, State: scan.Kept, UTC: ptr(int64(1_789_482_100_000))}
	c.entries = slices.Insert(c.entries, 0, e)
	return scan.Result{Entry: e}, nil
}

func (c *counter) Recent() []scan.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.entries)
}

func (c *counter) Aboard() []scan.Aboard { return nil }

func (c *counter) commit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.entries {
		c.entries[i].State = scan.Committed
	}
}

// TestScanForm: what is scanned reaches the scanner as it is, and the page says
// what became of it, without a script too.
func TestScanForm(t *testing.T) {
	c := &counter{}
	p := pages(t, van(), Settings{Kind: Vehicle})
	p.Scans(c)
	h := p.Handler()
	raw := "]d20109506000134352\x1d2112345"
	form := map[string][]string{"id": {"abcdefgh12345678"}, "code": {raw}, "action": {"attach"}, "target": {"compartment/van-14-b"}, "to": {"left over"}, "role": {"courier"}, "seal": {"intact"}}
	r := post(t, h, "/scan", form, nil)
	to := r.Header.Get("Location")
	if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/scan?") {
		t.Fatalf("got %d, %s", r.StatusCode, to)
	}
	want := scan.Request{ID: "abcdefgh12345678", Code: raw, Action: scan.Attach, Target: "compartment/van-14-b", Seal: "intact"}
	if len(c.asked) != 1 || c.asked[0] != want {
		t.Errorf("asked %+v", c.asked)
	}
	html := body(t, get(t, h, to, nil))
	text := strings.Join(strings.Fields(tags.ReplaceAllString(html, " ")), " ")
	for _, w := range []string{"]d20109506000134352 [GS] 2112345 put into Box B · kept on this gateway, not yet at the hub", "14:21 UTC"} {
		if !strings.Contains(text, w) {
			t.Errorf("want %q in %q", w, text)
		}
	}
	if !strings.Contains(html, `value="compartment/van-14-b" checked`) {
		t.Error("the compartment is not chosen any more: the next package would have to be told again")
	}
	c.commit()
	p.stale()
	if text := faceText(t, p, "/scan", "en"); !strings.Contains(text, "the hub has it") {
		t.Errorf("after the hub has it: %q", text)
	}
	// Handing over leaves the vehicle; taking out names no place.
	post(t, h, "/scan", map[string][]string{"code": {"PKG-1"}, "action": {"handover"}, "target": {"compartment/van-14-b"}, "to": {" pharmacy-9 "}, "role": {"pharmacy"}}, nil)
	post(t, h, "/scan", map[string][]string{"code": {"PKG-2"}, "action": {"detach"}, "target": {"compartment/van-14-b"}, "to": {"x"}}, nil)
	if q := c.asked[1]; q.Target != "" || !q.Leaves || q.To != "pharmacy-9" || q.Role != "pharmacy" {
		t.Errorf("handing over asked %+v", q)
	}
	if q := c.asked[2]; q.Target != "" || q.To != "" || q.Action != scan.Detach {
		t.Errorf("taking out asked %+v", q)
	}
	// A mistake is taken back by another scan.
	post(t, h, "/scan", map[string][]string{"corrects": {"abcdefgh12345678"}, "withdrawn": {"yes"}}, nil)
	if q := c.asked[3]; q.Corrects != "abcdefgh12345678" || !q.Withdrawn {
		t.Errorf("taking back asked %+v", q)
	}
	if text := faceText(t, p, "/scan", "es"); !strings.Contains(text, "anulado: metido en Box B") || !strings.Contains(text, "corregido por un escaneo posterior") {
		t.Errorf("after taking back: %q", text)
	}
}

// TestScanNotTaken: the page says why, in its language, and keeps what was typed.
func TestScanNotTaken(t *testing.T) {
	p := pages(t, van(), Settings{})
	r := post(t, p.Handler(), "/scan", map[string][]string{"code": {"12!"}, "action": {"attach"}, "target": {"compartment/van-14-a"}}, func(r *http.Request) { r.Header.Set("Accept-Language", "es") })
	html := body(t, r)
	if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(html, "El dígito de control no cuadra") || !strings.Contains(html, `value="12!"`) {
		t.Errorf("%d: %s", r.StatusCode, html)
	}
	c := &counter{err: &scan.Problem{Code: scan.NotKept, Field: "code", Why: "no space"}}
	p = pages(t, van(), Settings{})
	p.Scans(c)
	r = post(t, p.Handler(), "/scan", map[string][]string{"code": {"12"}, "action": {"attach"}}, func(r *http.Request) { r.Header.Set("Accept", "application/json") })
	var a scanAnswer
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<10)).Decode(&a); err != nil || !a.Again || a.Problem == "" || r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d %+v, %v", r.StatusCode, a, err)
	}
	if r := post(t, p.Handler(), "/scan", map[string][]string{"code": {"12"}, "action": {"attach"}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); r.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", r.StatusCode)
	}
	if r := post(t, NewPage("van-14", fixed{van()}, quiet()).Handler(), "/scan", nil, nil); r.StatusCode != http.StatusNotFound && r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a gateway that takes no scans: %d", r.StatusCode)
	}
}
