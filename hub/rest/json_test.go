package rest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzStrict(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":1,"a":2}`, `[1,2`, `"x"`, `{"password":"geheim","a":["b"]}`, `{"a":{"token":"geheim"}}`, `1e400`, "{\"a\":\"\\u0000\"}", "\xff", `{} {}`, `{"secret":{"a":"geheim"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if p := strict(body); p != nil {
			if p.Status != 400 && p.Status != 422 || p.Detail == "" || !utf8.ValidString(p.Detail) {
				t.Fatalf("%q: %+v", body, p)
			}
			return
		}
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatalf("%q passes, and is no JSON: %v", body, err)
		}
		if !utf8.Valid(body) {
			t.Fatalf("%q passes, and is no UTF-8", body)
		}
		if len(hidden(body)) > len(body) {
			t.Fatalf("%q: hidden is longer", body)
		}
	})
}

func TestHidden(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1,"password":"geheim","b":"x"}`: `{"a":1,"password","b":"x"}`,
		`{"sign":{"password": "geheim"}}`:     `{"sign":{"password"}}`,
		`{"passwords":["geheim","geheim"]}`:   `{"passwords":[,]}`,
		`{"a":"password"}`:                    `{"a":"password"}`,
		`[1,2]`:                               `[1,2]`,
	} {
		got := string(hidden([]byte(in)))
		if strings.Contains(got, "geheim") || strings.Count(got, ":") > strings.Count(in, ":") || got[0] != want[0] || len(got) > len(in) {
			t.Errorf("%s: got %s", in, got)
		}
		if in == want && got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

func FuzzPage(f *testing.F) {
	c := &call{operation: "list-people", filter: "/people?", pageKey: []byte("key")}
	other := &call{operation: "list-people", filter: "/people?role=qa", pageKey: []byte("key")}
	f.Add("", "ann")
	f.Add(c.sealPage("ann"), "ann")
	f.Add(other.sealPage("ann"), "b\x00\xff")
	f.Fuzz(func(t *testing.T, token, after string) {
		if got, ok := c.openPage(token); ok && c.sealPage(got) != token {
			t.Fatalf("%q is taken for a token after %q", token, got)
		}
		sealed := c.sealPage(after)
		if got, ok := c.openPage(sealed); !ok || got != after {
			t.Fatalf("%q came back as %q %t", after, got, ok)
		}
		if _, ok := other.openPage(sealed); ok {
			t.Fatalf("a token after %q opens another list", after)
		}
	})
}
