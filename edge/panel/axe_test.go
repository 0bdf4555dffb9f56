package panel

import (
	"context"
	"testing"
	"time"

	"frostline/test/axe"
)

// TestFacesAreForEverybody: axe-core finds nothing at WCAG 2.2 A and AA on any
// page of the gateway, in every state of the driver's page, over all looks and both
// languages, and no page makes the browser complain.
func TestFacesAreForEverybody(t *testing.T) {
	script := axe.Script(t)
	ctx, cancel := context.WithTimeout(browser(t), 4*time.Minute)
	defer cancel()
	hear(t, ctx, "http://127.0.0.1:")
	looks := []string{"light", "dark", "night", "day"}
	n := 0
	examine := func(what, url string, on screen) {
		t.Helper()
		look, language := looks[n%len(looks)], languages[n/2%len(languages)]
		n++
		visit(t, ctx, url, look, language, on)
		axe.Check(ctx, t, script, what+", "+look+", "+language)
	}
	for name := range faceStates {
		url, _ := serveOn(t, pages(t, inFace(name), Settings{Kind: Vehicle}))
		examine("driver "+name, url, seven)
		if name != "out" {
			continue
		}
		for range looks[:2] {
			for _, path := range []string{"driver", "details", "scan?action=attach", "table", "alarms/k3f9x2ab"} {
				examine(path, url+path, phone)
			}
		}
	}
	url, _ := serveOn(t, pages(t, site(), Settings{Kind: Site}))
	for range looks {
		examine("wall", url, wall43)
	}
}
