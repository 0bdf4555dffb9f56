package story

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"frostline/test/rig"
)

// panel is the address of van 1's page, as the demonstration says it.
var panel = regexp.MustCompile(`van-1 +(http://127\.0\.0\.1:\d+)/`)

// send sends JSON to the interface for programs.
func (h *hub) send(method, path, body string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, "http://hub"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		h.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
}

// TestDispatchReachesTheDriver: what dispatch writes is on the page of the real
// gateway, a confirmation that is given without a link comes to the hub with the
// link, and a delivery that is called back is held and told, once.
func TestDispatchReachesTheDriver(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a hub and its gateways")
	}
	dir := filepath.Join(t.TempDir(), "d")
	p, end := rig.Demo(t, "pull a gateway's link", "--dir", dir, "--hours", "10m")
	defer end()
	found := panel.FindStringSubmatch(p.Tail(1 << 20))
	if found == nil {
		t.Fatal("the demonstration does not say where the page of van-1 is")
	}
	h := hubAt(t, filepath.Join(dir, "hub", "frostline.sock"))
	now := time.Now().UnixMilli()
	h.send("PUT", "/parties/co1", `{"name":"Couriers","role":"courier"}`)
	h.send("PUT", "/sites/s1", `{"name":"SoDo"}`)
	h.send("PUT", "/vehicles/v1", `{"name":"Van 1","type":"van"}`)
	h.send("PUT", "/gateways/van-1", `{"vehicle":"v1"}`)
	h.send("PUT", "/couriers/c1", `{"kind":"van","vehicle":"v1","party":"co1"}`)
	h.send("PUT", "/shipments/SH1", `{}`)
	h.send("PUT", "/places/pl_9d41c07be2", `{"latitude":476100000,"longitude":-1223200000}`)
	h.send("PUT", "/jobs/J1", `{"shipment":"SH1","from":{"kind":"site","id":"s1"},"to":{"kind":"place","id":"pl_9d41c07be2"}}`)
	h.send("PUT", "/routes/R1", fmt.Sprintf(`{"courier":"c1","start":{"kind":"site","id":"s1"},"depart":%d,"stops":[{"id":"s1","job":"J1","kind":"delivery","place":{"kind":"place","id":"pl_9d41c07be2"}}]}`, now))

	page := func() string {
		t.Helper()
		r, err := http.Get(found[1] + "/driver")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var route struct {
		Received []struct{ Message, Gateway, Status string }
		Messages []struct{ ID, Text string }
		Visits   []struct{ Held, Recalled bool }
	}
	has := func(message, status string) func() (bool, error) {
		return func() (bool, error) {
			h.get("/routes/R1", &route)
			for _, x := range route.Received {
				if x.Message == message && x.Status == status && x.Gateway == "van-1" {
					return true, nil
				}
			}
			return false, nil
		}
	}
	h.send("POST", "/routes/R1/messages", `{"id":"m1","text":"Check the doors and the cooling."}`)
	rig.Must(t, patience, "the message to be shown", has("m1", "shown"))
	if !strings.Contains(page(), `action="/messages/m1"`) {
		t.Error("the driver's page does not ask for a confirmation")
	}

	link(t, dir, "down")
	r, err := http.PostForm(found[1]+"/messages/m1", url.Values{"back": {"/driver"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if body := page(); strings.Contains(body, `action="/messages/m1"`) || !strings.Contains(body, "Check the doors") {
		t.Error("a confirmation without a link is not taken")
	}
	for range 2 { // pressed twice
		h.send("POST", "/routes/R1/recall", `{"id":"c1","stop":"s1","cause":"the lot is recalled"}`)
	}
	if ok, _ := has("m1", "confirmed")(); ok || len(route.Messages) != 2 || !route.Visits[0].Recalled || !route.Visits[0].Held {
		t.Errorf("without a link: %+v", route)
	}
	link(t, dir, "up")
	rig.Must(t, patience, "the confirmation to come", has("m1", "confirmed"))
	rig.Must(t, patience, "the recall to be shown", has("c1", "shown"))
	if !strings.Contains(page(), "Do not hand over stop s1: bring it back.") {
		t.Error("the driver is not told to bring it back")
	}
}

// link pulls the link of van 1, or restores it.
func link(t *testing.T, dir, how string) {
	t.Helper()
	bin, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "frostline-edge"), "link", how, "--data", filepath.Join(dir, "van-1")).CombinedOutput(); err != nil {
		t.Fatalf("link %s: %v\n%s", how, err, out)
	}
}
