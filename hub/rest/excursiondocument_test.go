package rest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/excursion"
)

// attachment is a form of a comment and a document.
func attachment(boundary, text, name, body string) string {
	return fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n%s\r\n--%s\r\nContent-Disposition: form-data; name=\"document\"; filename=%q\r\nContent-Type: text/html\r\n\r\n%s\r\n--%s--\r\n",
		boundary, text, boundary, name, body, boundary)
}

// papers are excursions of which documents are given and taken.
type papers struct {
	Excursions
	got []excursion.Upload
}

func (p *papers) Get(context.Context, string) (excursion.View, error) {
	return excursion.View{}, excursion.ErrNotFound
}

func (p *papers) Attach(_ context.Context, by excursion.By, text string, all []excursion.Upload) (excursion.View, error) {
	if text == "" {
		return excursion.View{}, fmt.Errorf("%w: text", excursion.ErrInvalid)
	}
	if by.Expect >= 0 {
		return excursion.View{}, event.ErrStale
	}
	p.got = append(p.got, all...)
	return excursion.View{}, nil
}

func (p *papers) Document(_ context.Context, id, sha string) (excursion.Document, []byte, error) {
	for i, u := range p.got {
		if id == "e1" && sha == strings.Repeat(fmt.Sprint(i), 64) {
			d := excursion.Document{}
			d.Name = u.Name
			return d, u.Body, nil
		}
	}
	return excursion.Document{}, nil, fmt.Errorf("document: %w", excursion.ErrNotFound)
}

// TestExcursionDocuments are taken in one form, and given out so that no browser
// runs them.
func TestExcursionDocuments(t *testing.T) {
	p := &papers{}
	h := newAPI(t, Config{Excursions: p}).Handler()
	const at, form = "/excursions/e1/documents", "multipart/form-data; boundary=b"
	send := func(token, kind, body string) *httptest.ResponseRecorder {
		return ask(t, h, token, "POST", at, body, "Content-Type", kind)
	}
	for i, c := range []struct{ body, media string }{
		{"<html><script>alert(1)</script>", "application/octet-stream"},
		{`<svg xmlns="http://www.w3.org/2000/svg"/>`, "text/plain; charset=utf-8"},
		{"\x89PNG\r\n\x1a\n0000", "image/png"},
		{"%PDF-1.7\n", "application/pdf"},
		{"door shut at 08:12", "text/plain; charset=utf-8"},
		{"\x00\x01\x02", "application/octet-stream"},
	} {
		if w := send("all", form, attachment("b", "see", "dock \u00fc.html", c.body)); w.Code != 200 {
			t.Fatalf("%q: %d %s", c.body, w.Code, w.Body)
		}
		w := ask(t, h, "reader", "GET", at+"/"+strings.Repeat(fmt.Sprint(i), 64), "")
		want := map[string]string{"Content-Type": c.media, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
			"Cache-Control": "no-store", "Content-Disposition": `attachment; filename*=UTF-8''dock%20%C3%BC.html`}
		for name, v := range want {
			if got := w.Header().Values(name); len(got) != 1 || got[0] != v {
				t.Errorf("%q: header %s is %q, want %q", c.body, name, got, v)
			}
		}
		if w.Code != 200 || w.Body.String() != c.body {
			t.Errorf("%q: %d %q", c.body, w.Code, w.Body)
		}
	}
	taken := len(p.got)
	good := attachment("b", "see", "x", "y")
	wantProblem(t, send("reader", form, good), forbidden)
	wantProblem(t, send("all", "application/octet-stream", "y"), mediaType)
	wantProblem(t, send("all", form, attachment("b", "see", "x", strings.Repeat("y", excursion.MaxDocument+documentForm))), tooLarge)
	for what, body := range map[string]string{
		"another boundary": attachment("c", "see", "x", "y"), "no text": attachment("b", " ", "x", "y"), "no name": attachment("b", "see", "", "y"), "cut short": good[:len(good)-20],
		"two documents": strings.TrimSuffix(good, "--b--\r\n") + good, "another part": strings.Replace(good, `name="text"`, `name="more"`, 1),
		"a part missing": "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nsee\r\n--b--\r\n", "not UTF-8": attachment("b", "\xff\xfe", "x", "y"), "empty form": "--b--\r\n",
	} {
		if w := send("all", form, body); w.Code != 422 {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	wantProblem(t, ask(t, h, "all", "POST", at, good, "Content-Type", form, "If-Match", `"v1"`), stale)
	wantProblem(t, ask(t, h, "reader", "GET", at+"/"+strings.Repeat("f", 64), ""), notFound)
	if w := ask(t, h, "reader", "GET", at+"/..%2f", ""); w.Code < 400 {
		t.Errorf("a hash that is none: %d", w.Code)
	}
	if len(p.got) != taken {
		t.Errorf("%d documents were taken of what is refused", len(p.got)-taken)
	}
}
