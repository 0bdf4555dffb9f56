package token

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for s, why := range map[string]string{
		"3f2504e0-4f89-11d3-9a0c-0305e82c3301": "",
		"tok-8842-xk41":                        "",
		"pt_9f31c0de77":                        "",
		"":                                     "is no token",
		"9a":                                   "is no token",
		"maria.gomez@example.org":              "e-mail",
		"MariaGomez":                           "name",
		"maria-gomez":                          "name",
		"p-1984-03-07-x":                       "birth",
		"0115 496 0000":                        "telephone",
		strings.Repeat("a1", 40):               "is no token",
	} {
		err := Check("to", s)
		switch {
		case why == "" && err != nil:
			t.Errorf("%q: %v", s, err)
		case why != "" && (err == nil || !strings.Contains(err.Error(), why)):
			t.Errorf("%q: %v, want %q", s, err, why)
		case why != "" && len(s) > 3 && strings.Contains(err.Error(), s):
			t.Errorf("the error about %q repeats it", s)
		}
	}
}

func TestCheckNote(t *testing.T) {
	if err := CheckNote("note", "left at the dock, seal 4411"); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"call +44 115 496 0000", "a@b.c", "born in May", "a\x00b", strings.Repeat("x", 501)} {
		if CheckNote("note", s) == nil {
			t.Errorf("%.20q is taken", s)
		}
	}
}
