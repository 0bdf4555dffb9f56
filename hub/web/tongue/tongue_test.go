package tongue

import (
	"net/http/httptest"
	"regexp"
	"testing"
)

// few is a tongue of a few entries.
func few(words map[string]string) *Tongue {
	t := &Tongue{Lang: "es", words: words}
	t.compile()
	return t
}

// TestTell: the most particular pattern says a text, its parts are told in turn,
// and what is hardly more than parts is no pattern for a text of others.
func TestTell(t *testing.T) {
	es := few(map[string]string{
		"stuck": "atascado", "not ok: {}": "no válido: {}", "±{} by {}": "±{} según {}", "{#} readings": "{#} lecturas", "{}, {}": "{}, {}", "{} and {}": "{} y {}",
		"No readings for {}: {}.": "Sin lecturas durante {}: {}.", "{} The gateway is away.": "{} La pasarela no está.", "QA": "calidad",
	})
	for in, want := range map[string]string{
		"": "", "stuck": "atascado", "not ok: stuck": "no válido: atascado", "312 readings": "312 lecturas", "1,200 readings": "1,200 lecturas", "some readings": "some readings",
		"±12 ms by hub": "±12 ms según hub", "QA, somebody": "QA, somebody", "salt and pepper": "salt and pepper",
		"No readings for 5 min: 14:00 and 15:00. The gateway is away.": "Sin lecturas durante 5 min: 14:00 y 15:00. La pasarela no está.",
		"since 5 Jan 2026, in May":                                     "since 5 ene 2026, in May", "not ok: {}": "no válido: {}", "not ok: ±{} by {}": "no válido: ±{} según {}",
	} {
		if got := es.Tell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	for text, want := range map[string]bool{"stuck": true, "No readings for 5 min: stuck.": true, "not ok: the driver says so": false, "Package held in the cold room.": false, "salt and pepper": false, "QA, nobody": false} {
		if got := es.Made(text); got != want {
			t.Errorf("%q is of ours: %v, want %v", text, got, want)
		}
	}
	if got := es.Each("QA, nobody"); got != "calidad, nobody" {
		t.Errorf("a list becomes %q", got)
	}
	if got := es.Say("missing {n}", "n", 3); got != "missing 3" {
		t.Errorf("a text without an entry becomes %q", got)
	}
}

// FuzzTell: no text makes it fail, and a text of which nothing is known stays.
func FuzzTell(f *testing.F) {
	all, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"not ok: stuck", "{}", "{#}", "\\{\\}", "a, b and c, d", "Not done: Not done: x"} {
		f.Add(s)
	}
	word := regexp.MustCompile(`\pL`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := all["es"].Tell(s); !word.MatchString(s) && got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}

func TestOf(t *testing.T) {
	for _, c := range []struct{ cookie, accept, want string }{
		{"", "", "en"}, {"", "es", "es"}, {"", "es-MX,es;q=0.9,en;q=0.8", "es"}, {"", "fr, de", "en"}, {"", "en-US, es;q=0.9", "en"}, {"es", "en", "es"}, {"en", "es", "en"}, {"xx", "es", "es"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.accept != "" {
			r.Header.Set("Accept-Language", c.accept)
		}
		if c.cookie != "" {
			r.Header.Set("Cookie", Cookie+"="+c.cookie)
		}
		if got := Of(r); got != c.want {
			t.Errorf("cookie %q, browser %q: %s, want %s", c.cookie, c.accept, got, c.want)
		}
	}
}
