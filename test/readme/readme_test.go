// Package readme runs what the README tells a new user to run.
package readme

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"frostline/edge/config"
	"frostline/hub/api"
	"frostline/hub/people"
	"frostline/test/rig"
)

const patience = 3 * time.Minute

func build(t *testing.T) string {
	t.Helper()
	bin, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// TestDemo does what the README's demonstration says: it starts, survives a
// pulled link without losing a reading, ends cleanly and goes on when started
// again.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole cold chain")
	}
	bin, dir := build(t), filepath.Join(t.TempDir(), "d")
	socket := filepath.Join(dir, "hub", "frostline.sock")
	said, end := rig.Demo(t, "pull a gateway's link", "--dir", dir, "--hours", "10m")
	hub := api.NewClient(socket)
	admitted(t, said.Tail(1<<20), hub)

	settled := func() (bool, error) {
		accounts, err := hub.Accounts(t.Context())
		if err != nil || len(accounts) != 5 {
			return false, err
		}
		for _, a := range accounts {
			if !a.AddsUp || a.Pending > 0 || a.Committed == 0 {
				return false, nil
			}
		}
		return true, nil
	}
	rig.Must(t, patience, "the backlog to drain and the accounts to add up", settled)

	committed := func() uint64 {
		accounts, err := hub.Accounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range accounts {
			if a.Gateway == "van-1" {
				return a.Committed
			}
		}
		t.Fatal("van-1 has no account")
		return 0
	}
	link := func(state string) {
		if out, err := exec.Command(filepath.Join(bin, "frostline-edge"), "link", state, "--data", filepath.Join(dir, "van-1")).CombinedOutput(); err != nil {
			t.Fatalf("link %s: %v\n%s", state, err, out)
		}
	}
	link("down")
	before := committed()
	rig.Must(t, patience, "readings to wait at the gateway", func() (bool, error) {
		out, err := exec.Command(filepath.Join(bin, "frostline-edge"), "status", "--json", "--data", filepath.Join(dir, "van-1")).Output()
		var s struct {
			Journal struct {
				Pending uint64 `json:"pending_readings"`
			} `json:"journal"`
		}
		if err == nil {
			err = json.Unmarshal(out, &s)
		}
		return s.Journal.Pending > 0, err
	})
	link("up")
	rig.Must(t, patience, "what waited to be committed", func() (bool, error) { return committed() > before, nil })
	rig.Must(t, patience, "the accounts to add up again", settled)
	last := committed()
	end()

	_, end = rig.Demo(t, "everything runs", "--dir", dir, "--hours", "10m")
	rig.Must(t, patience, "the demonstration to go on", func() (bool, error) {
		accounts, err := hub.Accounts(t.Context())
		if err != nil {
			return false, err
		}
		for _, a := range accounts {
			if a.Gateway == "van-1" && a.Epoch == 1 && a.AddsUp && a.Committed > last {
				return true, nil
			}
		}
		return false, nil
	})
	end()
}

// admitted signs in by links as the demonstration prints them: they work at once,
// and once.
func admitted(t *testing.T, said string, hub *api.Client) {
	t.Helper()
	made := regexp.MustCompile(`http://localhost:[0-9]+/enter/[A-Za-z0-9_-]+`).FindAllString(said, -1)
	if len(made) == 0 {
		t.Fatalf("the demonstration prints no link to sign in by:\n%s", said)
	}
	if r, err := http.Get(made[0]); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("link %s: %v %v", made[0], r, err)
	} else {
		r.Body.Close()
	}
	l, err := hub.NewLink(t.Context(), api.NewLink{Kind: people.InviteLink, Person: "visitor", Name: "Visitor", Roles: []string{"auditor"}})
	if err != nil {
		t.Fatal(err)
	}
	browser, pages, err := rig.SignIn(t.Context(), l.URL)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/": http.StatusOK, "/account": http.StatusOK, "/view/people": http.StatusOK, "/orders": http.StatusOK, "/people": http.StatusOK, "/carriers/swift/messages/1": http.StatusForbidden} {
		r, err := browser.Get(pages + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("an auditor, %s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if _, _, err := rig.SignIn(t.Context(), l.URL); err == nil {
		t.Error("a link signs in twice")
	}
}

// TestGatewayFile checks the configuration that the README shows for a real
// sensor, as the agent would.
func TestGatewayFile(t *testing.T) {
	text, err := rig.Readme()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(text)
	if found == nil {
		t.Fatal("the README shows no gateway.yaml")
	}
	file := strings.ReplaceAll(found[1], "\n   ", "\n") // it stands in a list
	c, _, err := config.Parse([]byte(strings.TrimPrefix(file, "   ")), config.ThisHost())
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	if len(c.Sensors) != 1 || c.Sensors[0].Driver != "ds18b20" || c.Gateway != "van-7" {
		t.Errorf("got %+v", c)
	}
}

// TestHelpOfCommands asks each command the README names for its help.
func TestHelpOfCommands(t *testing.T) {
	bin := build(t)
	for _, args := range [][]string{
		{"frostline-hub", "serve"}, {"frostline-edge", "enrol"}, {"frostline-edge", "doctor"}, {"frostline-edge", "run"},
		{"frostline-edge", "status"}, {"frostline-edge", "link"}, {"frostline-edge", "check"},
		{"frostline", "enrol"}, {"frostline", "broker-config"}, {"frostline", "demo"}, {"firmware-sim", "run"},
	} {
		out, err := exec.Command(filepath.Join(bin, args[0]), args[1], "--help").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Examples:") {
			t.Errorf("%v --help: %v, want a text with an example:\n%s", args, err, out)
		}
	}
}
