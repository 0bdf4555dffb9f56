package panel

import (
	"strings"
	"testing"
)

func TestReleaseInWords(t *testing.T) {
	for _, c := range []struct {
		of   *Release
		want string
	}{
		{nil, ""},
		{&Release{Phase: "none", Packaged: true}, "Release: the program of its package"},
		{&Release{Phase: "fetching", Packaged: true, Have: 1, Size: 3}, "Release: the program of its package, the next one is fetched, 33 %"},
		{&Release{Phase: "fetching", Reason: "no room\non disk"}, "Release: confirmed, from the hub, the next one is fetched, 0 %; Because: no room on disk"},
		{&Release{Phase: "trial"}, "Release: on trial until the hub acknowledges readings"},
		{&Release{Phase: "confirmed"}, "Release: confirmed, from the hub"},
		{&Release{Phase: "refused", Reason: "undone: it crashed"}, "Release: confirmed, from the hub, the hub's is refused watch; Because: undone: it crashed watch"},
	} {
		var said []string
		for _, r := range english.releaseRows(c.of) {
			said = append(said, strings.TrimSpace(r.Name+": "+r.Text+" "+string(r.State)))
		}
		if got := strings.Join(said, "; "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.of, got, c.want)
		}
	}
}
