package panel

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// seen is a Messenger of the tests.
type seen struct {
	got []string
	err error
}

func (s *seen) Confirm(id string) error {
	s.got = append(s.got, id)
	return s.err
}

func TestDriverConfirmsAMessage(t *testing.T) {
	s, m := van(), &seen{}
	for i := range 5 {
		s.Messages = append(s.Messages, Message{ID: fmt.Sprint("m", i), Text: fmt.Sprintf("text <%d>", i), ShownMs: ptr(int64(1_789_484_400_000)), Confirmed: i == 0})
	}
	p := NewPage(s.Gateway, fixed{s}, quiet())
	p.Messages(m)
	h := p.Handler()
	page := body(t, get(t, h, "/driver", nil))
	for _, want := range []string{`action="/messages/m1"`, "text &lt;3&gt;", "(and 1 message more)", "Dispatch, read: text &lt;0&gt;", "Understood"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, `action="/messages/m0"`) || strings.Contains(page, `action="/messages/m4"`) {
		t.Error("one too many can be confirmed")
	}
	if r := post(t, h, "/messages/m1", url.Values{"back": {"/driver"}}, nil); r.StatusCode != http.StatusSeeOther || fmt.Sprint(m.got) != "[m1]" {
		t.Errorf("%d, %v", r.StatusCode, m.got)
	}
	m.err = errors.New("the disk is full")
	if r := post(t, h, "/messages/m1", url.Values{}, nil); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body(t, r), "the disk is full") {
		t.Errorf("%d", r.StatusCode)
	}
	if r := post(t, h, "/messages/m1", url.Values{}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); r.StatusCode != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", r.StatusCode)
	}
}
