package web

import (
	"bytes"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"frostline/hub/dossier"
	"frostline/hub/dossier/dossiertest"
	"frostline/hub/evidence/verify"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/notify"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// step sends the form of a step as the page shows it.
func (b *bench) step(v *visitor, step string, fields ...string) page {
	b.t.Helper()
	look := v.get("/view/excursion/" + b.id)
	for _, name := range []string{"once", "version", "content"} {
		fields = append([]string{name, hidden(look.body, name)}, fields...)
	}
	return v.send(look, "/view/excursion/"+b.id+"/"+step, fields...)
}

func wantPage(t *testing.T, p page, code int, words ...string) {
	t.Helper()
	if p.code != code {
		t.Errorf("answered %d to %q, want %d: %.200s", p.code, p.to, code, p.body)
	}
	text := html.UnescapeString(p.body)
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not on the page", w)
		}
	}
}

// TestMessagesLeadToThePage: the address in messages is that of a page, and so is
// the one that they used to have.
func TestMessagesLeadToThePage(t *testing.T) {
	b := openBench(t)
	v := b.as("ann", "qa")
	wantPage(t, v.get(notify.CasePath(b.id)), http.StatusOK, "was above 8 °C")
	if p := v.get("/view/excursions/" + b.id); p.code != http.StatusMovedPermanently || p.to != notify.CasePath(b.id) {
		t.Errorf("the older address: %d to %q", p.code, p.to)
	}
}

// TestStepsByForms: each form is refused for whoever may not, out of order, upon an
// older look and sent twice; words that were typed stay.
func TestStepsByForms(t *testing.T) {
	b := openBench(t)
	ann, bob, dan, eve := b.as("ann", "qa"), b.as("bob", "qa_approver"), b.as("dan", "dispatcher"), b.as("eve", "auditor")
	if p := eve.get("/view/excursion/" + b.id); strings.Contains(p.body, `id="h-comment"`) || strings.Contains(p.body, `id="h-acknowledge"`) {
		t.Error("an auditor is offered to write")
	}
	if p := b.step(eve, "comment", "text", "hello"); p.code != http.StatusForbidden {
		t.Errorf("an auditor comments: %d", p.code)
	}
	wantPage(t, b.step(ann, "investigate", "reason", "x"), http.StatusConflict, "excursion is opened: cannot investigate it, allowed are acknowledge")
	old := ann.get("/view/excursion/" + b.id)
	if p := b.step(dan, "acknowledge", "reason", "seen"); p.code != http.StatusSeeOther || !strings.HasSuffix(p.to, "?done=acknowledge#work") {
		t.Fatalf("a dispatcher acknowledges: %d to %q", p.code, p.to)
	}
	p := ann.send(old, "/view/excursion/"+b.id+"/acknowledge", "once", hidden(old.body, "once"), "version", hidden(old.body, "version"), "reason", "typed <b>words</b>")
	wantPage(t, p, http.StatusConflict, "has changed since this page was loaded")
	wantPage(t, ann.send(old, "/view/excursion/"+b.id+"/acknowledge", "once", hidden(old.body, "once")), http.StatusUnprocessableEntity, "load the page anew")

	look := ann.get("/view/excursion/" + b.id)
	for range 2 { // pressed twice
		if p := ann.send(look, "/view/excursion/"+b.id+"/investigate", "once", hidden(look.body, "once"), "version", hidden(look.body, "version"), "reason", "the door"); p.code != http.StatusSeeOther {
			t.Fatalf("investigate: %d %.300s", p.code, p.body)
		}
	}
	events, err := b.world.Cases.Trail(t.Context(), b.id, 0, 100)
	if err != nil || len(events) != 3 {
		t.Errorf("%d events, %v; want opened, acknowledged and investigated once each", len(events), err)
	}
	wantPage(t, b.step(ann, "assess", "reason", "x", "from", "2026-09-21T17:00:00", "to", "2026-09-21T16:00:00"), http.StatusUnprocessableEntity, "want it to end after it begins")
	wantPage(t, b.step(ann, "assess", "reason", "x", "from", "yesterday", "to", "2026-09-21T16:00:00"), http.StatusUnprocessableEntity, `from "yesterday" is not a time`)
	wantPage(t, b.step(ann, "assess", "reason", "x", "from", "2026-09-20T17:00:00", "to", "2026-09-21T16:00:00"), http.StatusUnprocessableEntity, "is judged from")
	wantPage(t, b.step(ann, "propose", "reason", "the <maker's> letter", "lot:L1", "release"), http.StatusUnprocessableEntity, "1 of 3 affected units have none", `<textarea name="reason" rows="3" required maxlength="4000">the <maker's> letter</textarea>`,
		`<option value="release" selected>release</option>`)
	wantPage(t, b.step(ann, "propose", "reason", "x", "lot:L1", "sell", "lot:L2", "reject"), http.StatusUnprocessableEntity, `decision "sell"`)
	if p := b.step(ann, "propose", "reason", "x", "lot:L1", "release", "lot:L2", "reject"); p.code != http.StatusSeeOther {
		t.Fatalf("propose: %d", p.code)
	}
	// The form names what was looked at: nobody signs something else.
	wantPage(t, b.step(ann, "sign", "content", strings.Repeat("0", 64), "password", phrase), http.StatusConflict, "has changed since")
	wantPage(t, b.step(ann, "sign", "password", "wrong"), http.StatusForbidden, "not your password")
	wantPage(t, b.step(bob, "sign", "password", phrase), http.StatusSeeOther)
	if p := bob.get("/view/excursion/" + b.id); !strings.Contains(p.body, "You have signed it yourself") || strings.Contains(p.body, `id="h-sign"`) {
		t.Error("who signed first is offered to approve")
	}
	wantPage(t, b.step(bob, "approve", "password", phrase), http.StatusForbidden, "another person")
	if p := b.step(ann, "approve", "password", phrase); p.code != http.StatusForbidden || !strings.Contains(p.body, "not among what you do") {
		t.Errorf("approve without the role: %d", p.code)
	}
	wantPage(t, b.step(ann, "investigate", "reason", "something was forgotten"), http.StatusSeeOther)
	if v, err := b.world.Cases.Get(t.Context(), b.id); err != nil || v.State != excursion.Investigating {
		t.Errorf("taken back: %s, %v", v.State, err)
	}
}

// attach sends a comment with documents, by name.
func (b *bench) attach(v *visitor, form, text string, documents map[string][]byte) page {
	b.t.Helper()
	look := v.get("/view/excursion/" + b.id)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if form == "" {
		form = hidden(look.body, "form")
	}
	for name, value := range map[string]string{"form": form, "once": hidden(look.body, "once"), "version": hidden(look.body, "version"), "text": text} {
		_ = m.WriteField(name, value)
	}
	for name, content := range documents {
		w, err := m.CreateFormFile("document", name)
		if err != nil {
			b.t.Fatal(err)
		}
		_, _ = w.Write(content)
	}
	_ = m.Close()
	return v.do("POST", "/view/excursion/"+b.id+"/comment", body.String(), "Content-Type", m.FormDataContentType())
}

// TestAttachments: bounded, saved and never shown by a browser, and read through
// their excursion alone.
func TestAttachments(t *testing.T) {
	b := openBench(t)
	ann := b.as("ann", "qa")
	evil := []byte("<script>alert(1)</script>")
	wantPage(t, b.attach(ann, "", "see this", map[string][]byte{"../../é \"x\".html": evil}), http.StatusSeeOther)
	wantPage(t, b.attach(ann, "", "nothing with it", nil), http.StatusSeeOther)
	v, err := b.world.Cases.Get(t.Context(), b.id)
	if err != nil || len(v.Documents) != 1 || v.Comments != 2 {
		t.Fatalf("%+v, %v", v.Documents, err)
	}
	path := "/view/excursion/" + b.id + "/document/" + v.Documents[0].SHA256
	p := ann.get(path)
	if p.code != http.StatusOK || p.body != string(evil) || p.head.Get("Content-Type") != "application/octet-stream" || p.head.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(p.head.Get("Content-Disposition"), "attachment;") || !strings.Contains(p.head.Get("Content-Security-Policy"), "sandbox") || strings.ContainsAny(p.head.Get("Content-Disposition"), "\r\n") {
		t.Errorf("%d %v", p.code, p.head)
	}
	if page := ann.get("/view/excursion/" + b.id); strings.Contains(page.body, "<script>alert") || !strings.Contains(page.body, path) {
		t.Error("the page does not link to the document")
	}
	aud := b.as("aud", "auditor")
	for query, want := range map[string]string{"": "PK", "?documents=no": "PK, and no documents"} {
		zip := aud.get("/view/shipment/S1/evidence.zip" + query)
		if zip.code != http.StatusOK || zip.body != want || zip.head.Get("Content-Type") != "application/zip" || zip.head.Get("Content-Length") != strconv.Itoa(len(want)) {
			t.Errorf("evidence%s: %d %q %v", query, zip.code, zip.body, zip.head)
		}
	}
	all, err := b.world.Cases.List(t.Context(), excursion.Filter{}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range all {
		if other.ID != b.id {
			wantPage(t, ann.get("/view/excursion/"+other.ID+"/document/"+v.Documents[0].SHA256), http.StatusNotFound)
		}
	}
	wantPage(t, b.g().visitor().get(path), http.StatusSeeOther) // to sign in
	wantPage(t, b.as("drv", "driver").get(path), http.StatusForbidden)
	big := bytes.Repeat([]byte{7}, excursion.MaxDocument+1)
	wantPage(t, b.attach(ann, "", "large", map[string][]byte{"a": big}), http.StatusUnprocessableEntity, "documents: number 1", "want 1 to 8388608", "large</textarea>")
	wantPage(t, b.attach(ann, "wrong", "text", map[string][]byte{"a": evil}), http.StatusForbidden, "out of date")
	huge := bytes.Repeat([]byte{7}, excursion.MaxDocument)
	wantPage(t, b.attach(ann, "", "huge", map[string][]byte{"a": huge, "b": huge, "c": huge, "d": huge}), http.StatusRequestEntityTooLarge, "too much at once")
	// No other form takes documents.
	if p := ann.do("POST", "/view/excursion/"+b.id+"/acknowledge", "--x\r\n", "Content-Type", "multipart/form-data; boundary=x"); p.code != http.StatusUnsupportedMediaType {
		t.Errorf("documents with another step: %d", p.code)
	}
	if v, _ := b.world.Cases.Get(t.Context(), b.id); len(v.Documents) != 1 || v.Comments != 2 {
		t.Errorf("what was refused has left something behind: %+v", v.Documents)
	}
}

func (b *bench) g() *guarded { return b.guarded }

// TestQueue finds excursions by all that people know of them, and puts first what
// needs them soonest.
func TestQueue(t *testing.T) {
	b := openBench(t)
	ann := b.as("ann", "qa")
	all, err := b.world.Cases.List(t.Context(), excursion.Filter{}, "", 10)
	if err != nil || len(all) != 2 {
		t.Fatal(len(all), err)
	}
	rows := func(query string) (ids []string, p page) {
		t.Helper()
		p = ann.get("/view/excursions" + query)
		for _, part := range strings.Split(p.body, `data-excursion="`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			ids = append(ids, id)
		}
		return ids, p
	}
	for query, n := range map[string]int{
		"": 2, "?q=P1": 2, "?q=rx-1": 0, "?q=RX-1": 2, "?q=H1": 2, "?q=L2": 2, "?q=" + unitThree: 2, "?q=s3": 2, "?q=" + url.QueryEscape("(01)09506000134352(21)S3"): 2, "?q=" + url.QueryEscape("https://id.gs1.org/01/09506000134352/10/L2"): 2, "?q=" + url.QueryEscape("(01)09506000134352(21)S9"): 0, "?q=van-1%2Fcargo": 1, "?q=van-1-box": 2, "?q=nothing": 0,
		"?state=open": 2, "?state=closed": 0, "?state=overdue": 0, "?severity=critical": 0, "?kind=limit": 1, "?kind=unmonitored": 1,
		"?from=2026-09-21": 2, "?from=2026-09-22": 0, "?to=2026-09-20": 0, "?to=2026-09-21T18:00:00": 1, "?q=" + url.QueryEscape(b.id[:20]): 1,
	} {
		if ids, p := rows(query); len(ids) != n || p.code != http.StatusOK {
			t.Errorf("%s: %d %v, want %d", query, p.code, ids, n)
		}
	}
	ids, p := rows("?state=sold&from=soon&q=P1")
	wantPage(t, p, http.StatusBadRequest, "state sold is not among", `from "soon" is not a time`)
	if len(ids) != 2 {
		t.Errorf("what could be understood is not looked for: %v", ids)
	}
	_, p = rows("?q=%3Cscript%3E")
	wantPage(t, p, http.StatusOK, "Nothing of 2 excursions is like this")
	if strings.Contains(p.body, "<script>\"") || strings.Contains(p.body, `value="<script>`) {
		t.Error("markup came through")
	}
	_, p = rows("")
	wantPage(t, p, http.StatusOK, `<option value="open" selected>`)
	// The oldest first; then, once somebody knows of it, what is overdue.
	if ids, _ := rows(""); ids[0] != b.id {
		t.Errorf("first is %s, want the oldest", ids[0])
	}
	if _, err := b.world.Cases.Acknowledge(t.Context(), excursion.By{Actor: "person/ann", Case: b.id, Expect: -1}); err != nil {
		t.Fatal(err)
	}
	b.later(45 * time.Minute)
	b.world.Now.Store(b.now().UnixMilli())
	ids, p = rows("")
	wantPage(t, p, http.StatusOK, "overdue by 15 min", `<span class="n">1</span> overdue`)
	if ids[0] == b.id {
		t.Error("what is overdue is not first")
	}
}

// TestWhatIf: other rules are judged by the same engine, said to be no verdict,
// and change nothing.
func TestWhatIf(t *testing.T) {
	b := openBench(t)
	ann := b.as("ann", "qa")
	path := "/view/excursion/" + b.id
	last := b.world.Log.Last()
	warm := thermal.Temp(8000)
	profile, err := thermal.Named("refrigerated")
	if err != nil {
		t.Fatal(err)
	}
	profile.ID, profile.Name, profile.High = "what-if", profile.Name+", with other limits", &warm
	var limits []thermal.Limit
	for _, l := range profile.Limits {
		if l.Op == thermal.Below || l.Op == thermal.AtOrBelow {
			limits = append(limits, l)
		}
	}
	profile.Limits = append(limits, thermal.Limit{Name: "what if above", Op: thermal.Above, At: warm, Timer: thermal.Single, Delay: 45 * 60_000, Severity: thermal.Alarm})
	c, err := b.world.Cases.Get(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	from, to := dossiertest.Start+2*hourMS, dossiertest.Start+5*hourMS
	ask := dossier.QueryOf(&c.Facts, from, to)
	ask.Other = &profile
	want, err := b.world.Look(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	span := fmt.Sprintf("?from=%s&to=%s", addressTime(from), addressTime(to))
	p := ann.get(path + span + "&if_above=8&if_above_min=45")
	wantPage(t, p, http.StatusOK, "This is no verdict.", want.Summary(), "it would be: in range", "in this range: excursion", view.Span(want.Verdict.OutOfRange))
	wantPage(t, ann.get(path+"?if_profile=controlled-cold"), http.StatusOK, "What if: Controlled cold temperature", "it would be: unknown")
	wantPage(t, ann.get(path+"?if_above=warm"), http.StatusOK, `above "warm" is no temperature`)
	wantPage(t, ann.get(path+"?if_above=8&if_above_min=-3"), http.StatusOK, `above for "-3" minutes`)
	wantPage(t, ann.get(path+"?if_profile=none"), http.StatusOK, "There is no profile none")
	wantPage(t, ann.get(path+"?if_above=1&if_below=5"), http.StatusOK, "could not be computed")
	for query, word := range map[string]string{"?from=x": `from "x" is not a time`, "?from=2026-09-21T18:00:00Z&to=2026-09-21T17:00:00Z": "is not later than", "?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z": "Nothing of this range is within the watch"} {
		wantPage(t, ann.get(path+query), http.StatusOK, word, "8 h 49 min")
	}
	if now := b.world.Log.Last(); now != last {
		t.Errorf("looking has appended %d events", now-last)
	}
}

// TestVerifyNamesTheFirst thing that does not hold.
func TestVerifyNamesTheFirst(t *testing.T) {
	b := openBench(t)
	eve := b.as("eve", "auditor")
	look := eve.get("/view/excursion/" + b.id)
	wantPage(t, eve.send(look, "/view/excursion/"+b.id+"/verify"), http.StatusOK, "it holds", "The record was verified")
	for _, c := range []struct {
		seen, absent []string
		says         string
	}{
		{nil, nil, "This hub knows no witness"},
		{[]string{"regulator", "lab"}, nil, "The log was cosigned by regulator, lab"},
		{[]string{"regulator"}, []string{"lab"}, "Not cosigned by lab."},
		{nil, []string{"lab"}, "No witness has cosigned the log"},
	} {
		b.verified.Size, b.verified.Witnesses, b.verified.Absent = 9, c.seen, c.absent
		wantPage(t, eve.send(look, "/view/excursion/"+b.id+"/verify"), http.StatusOK, "it holds", c.says)
	}
	b.verified.Holds, b.verified.Problems = false, []verify.Problem{{Check: verify.ChainIs, Gateway: "van-1", Epoch: 1, Block: 120, To: 126, After: dossiertest.Start, Detail: "not what the gateway signed for"}}
	wantPage(t, eve.send(look, "/view/excursion/"+b.id+"/verify"), http.StatusOK, "Readings of gateway van-1 hold up to "+view.Moment(dossiertest.Start)+"; the first bad one is the next, in one of blocks 120 to 126.")
	b.verified.Holds, b.verified.Problems = false, []verify.Problem{{Check: verify.Container, Gateway: "van-1", Epoch: 1, Block: 120, Detail: "its bytes were changed"}, {Detail: "what follows"}}
	wantPage(t, eve.send(look, "/view/excursion/"+b.id+"/verify"), http.StatusOK, "it does not hold", "The first thing that does not hold:", b.verified.Problems[0].String())
	// And the trails of all records that it touches.
	page := eve.get("/view/excursion/" + b.id)
	for _, r := range []fact.Ref{{Kind: fact.Excursion, ID: b.id}, {Kind: fact.Package, ID: "P1"}, {Kind: fact.Shipment, ID: "H1"}, {Kind: fact.Order, ID: "RX-1"}, {Kind: fact.Profile, ID: "refrigerated"}, {Kind: fact.Product, ID: "insulin"}} {
		if !strings.Contains(page.body, trailPath(r)) {
			t.Errorf("the page does not link to the trail of %s", r)
		}
		wantPage(t, eve.get(trailPath(r)), http.StatusOK, "Trail of "+string(r.Kind)+" "+r.ID, "of the log")
	}
	for _, path := range []string{"/view/trail/package/none", "/view/trail/person/ann", "/view/trail/x/y", "/view/trail/package/P1?after=x"} {
		if p := eve.get(path); p.code != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.code)
		}
	}
}
