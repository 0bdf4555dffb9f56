package gate

import (
	"net/http"
	"testing"
)

// TestOriginIsWhoAsks: a peer by its address, whoever is behind this machine's
// proxy by what the proxy says, and nobody by what they say themselves.
func TestOriginIsWhoAsks(t *testing.T) {
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
		elsewhere bool
	}{
		{"198.51.100.7:4711", nil, "198.51.100.7", true},
		{"198.51.100.7:4711", []string{"203.0.113.9"}, "198.51.100.7", true}, // anybody can write that
		{"[::ffff:198.51.100.7]:4711", nil, "198.51.100.7", true},
		{"[2001:db8:1:2:3:4:5:6]:4711", nil, "2001:db8:1:2::/64", true},
		{"[2001:db8:1:2:ffff::1%eth0]:4711", nil, "2001:db8:1:2::/64", true},
		{"127.0.0.1:4711", nil, "127.0.0.1", false},
		{"[::1]:4711", nil, "::1", false},
		{"127.0.0.1:4711", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7", true},
		{"127.0.0.1:4711", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7", true},
		{"[::1]:4711", []string{"2001:db8::1"}, "2001:db8::/64", true},
		{"127.0.0.1:4711", []string{"198.51.100.7, unknown"}, "127.0.0.1", false},
		{"@", nil, "local", false},
		{"", []string{"198.51.100.7"}, "local", false},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := Origin(r); got != c.want {
			t.Errorf("%s, forwarded for %q: %q, want %q", c.peer, c.forwarded, got, c.want)
		}
		if _, ok := Elsewhere(r); ok != c.elsewhere {
			t.Errorf("%s, forwarded for %q: elsewhere %t", c.peer, c.forwarded, ok)
		}
	}
}
