package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/people"
	"frostline/hub/view"
)

// Excursions are what people work with; *excursion.Cases is one. It is called
// from many goroutines at once.
type Excursions interface {
	Get(ctx context.Context, id string) (excursion.View, error)
	Acknowledge(ctx context.Context, by excursion.By) (excursion.View, error)
	Investigate(ctx context.Context, by excursion.By) (excursion.View, error)
	Assess(ctx context.Context, by excursion.By, from, to int64) (excursion.View, error)
	Propose(ctx context.Context, by excursion.By, decisions []excursion.Decision) (excursion.View, error)
	Sign(ctx context.Context, by excursion.By, p excursion.Proof) (excursion.View, error)
	Approve(ctx context.Context, by excursion.By, p excursion.Proof) (excursion.View, error)
	Close(ctx context.Context, by excursion.By) (excursion.View, error)
	Attach(ctx context.Context, by excursion.By, text string, all []excursion.Upload) (excursion.View, error)
	Document(ctx context.Context, id, sha string) (excursion.Document, []byte, error)
}

// workRoutes mounts what people do about excursions.
func (s *Server) workRoutes(mux *routes) {
	for _, step := range excursion.Steps {
		mux.HandleFunc(stepPattern(step), s.caseStep(step))
	}
	mux.HandleFunc("GET /view/excursion/{id}/document/{sha}", s.caseDocument)
}

func stepPattern(step excursion.Step) string { return "POST /view/excursion/{id}/" + string(step) }

// doneSteps are what the page says after a step. Nothing else of an address comes
// onto the page.
var doneSteps = map[string]string{
	"acknowledge": "You have acknowledged it: nobody is reminded of it any more.",
	"investigate": "It is under investigation.",
	"assess":      "The assessed range is kept, with what the engine says of it.",
	"propose":     "The disposition is proposed. It takes the signatures of two persons.",
	"sign":        "You have signed. Another person has to approve.",
	"approve":     "You have approved. It can be closed.",
	"close":       "It is closed.",
	"comment":     "Your comment is in the trail.",
}

// workView is what people do about a case: the steps that may follow, for those
// who may take them.
type workView struct {
	excursion.View
	May     map[string]bool // steps that the viewer may take now
	Waits   string          // why nobody here can go on; ""
	Once    string          // makes a form that is sent twice count once
	Passkey bool
	Signer  string // printed name of who looks
	Said    url.Values
	Meaning map[string]string
	Units   []decideView
	Lots    []decideView
	Package *decideView // nil: units and lots are enough
	From    string      // of the span to assess
	To      string
	Range   []wordFact // of the assessment in force
	DueWord string
	Overdue bool
	Largest string
	Most    int
}

// decideView is something that is decided about.
type decideView struct {
	Name, Field string
	N           int // units
	Choices     []option
}

// workOn reads what can be done about a case. said is what somebody has typed.
func (s *Server) workOn(r *http.Request, c *dossier.Case, said url.Values) (*workView, error) {
	if s.cfg.Excursions == nil {
		return nil, nil
	}
	got, err := s.cfg.Excursions.Get(r.Context(), c.ID)
	if err != nil {
		return nil, err
	}
	v := viewerOf(r)
	w := &workView{View: got, May: map[string]bool{}, Once: rand.Text(), Said: said, Signer: v.Person.Name, Most: excursion.MaxDocuments, Largest: bytesWord(excursion.MaxDocument),
		Meaning: map[string]string{"sign": excursion.MeaningReview, "approve": excursion.MeaningApproval}}
	if said == nil {
		w.Said = url.Values{}
	}
	for _, step := range got.Allowed {
		w.May[string(step)] = v.May(stepPattern(step))
	}
	first := firstSigner(got.Signed)
	if w.May["approve"] && first != nil && first.Person == v.Person.ID {
		w.May["approve"] = false
		w.Waits = "You have signed it yourself: another person has to approve, with the role QA approver."
	} else if got.State == excursion.Signed && !w.May["approve"] {
		w.Waits = "It waits for a second person, with the role QA approver, who is not " + nameOf(first) + "."
	}
	_, w.Passkey = s.passkeys(r)
	now := s.now().UnixMilli()
	switch {
	case got.Due > 0 && got.Due <= now:
		w.Overdue, w.DueWord = true, "overdue by "+view.Span(now-got.Due)
	case got.Due > 0:
		w.DueWord = "within " + view.Span(got.Due-now) + ", until " + view.Moment(got.Due)
	}
	w.decide()
	f := &got.Facts
	from, to := f.From, max(f.To, f.From)
	if a := got.Assessment; a != nil {
		from, to = a.From, a.To
		w.Range = assessed(a)
	}
	q := r.URL.Query()
	w.From = cmp.Or(w.Said.Get("from"), fieldOf(q.Get("from")), fieldTime(from))
	w.To = cmp.Or(w.Said.Get("to"), fieldOf(q.Get("to")), fieldTime(to))
	return w, nil
}

func firstSigner(all []excursion.Standing) *excursion.Standing {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Meaning == excursion.MeaningReview && all[i].Standing == "valid" {
			return &all[i]
		}
	}
	return nil
}

func nameOf(s *excursion.Standing) string {
	if s == nil {
		return "who signed first"
	}
	return s.Name
}

// decide lists what a disposition has to decide about, with what is proposed.
func (w *workView) decide() {
	f := &w.Facts
	was := map[string]string{} // by unit
	pack := ""
	for _, d := range w.Proposal {
		if d.Unit != "" {
			was[d.Unit] = d.Decision
		} else {
			pack = d.Decision
		}
	}
	choose := func(field, proposed, none string) []option {
		value := proposed
		if w.Said.Has(field) {
			value = w.Said.Get(field)
		}
		all := []option{{Word: none}}
		for _, d := range fact.Decisions {
			all = append(all, option{Value: d, Word: d})
		}
		return options(value, all)
	}
	same := map[string]string{} // of a lot, what is proposed for all its units; "" where that differs
	index := map[string]int{}
	for _, u := range f.Units {
		if u.Lot == "" {
			continue
		}
		i, ok := index[u.Lot]
		if !ok {
			i = len(w.Lots)
			index[u.Lot], same[u.Lot] = i, was[u.Unit]
			w.Lots = append(w.Lots, decideView{Name: u.Lot, Field: "lot:" + u.Lot})
		}
		if same[u.Lot] != was[u.Unit] {
			same[u.Lot] = ""
		}
		w.Lots[i].N++
	}
	for i := range w.Lots {
		w.Lots[i].Choices = choose(w.Lots[i].Field, same[w.Lots[i].Name], "decide")
	}
	for _, u := range f.Units {
		proposed := was[u.Unit]
		if u.Lot != "" && same[u.Lot] == proposed {
			proposed = "" // as its lot
		}
		none := "as its lot"
		if u.Lot == "" {
			none = "decide"
		}
		w.Units = append(w.Units, decideView{Name: u.Unit, Field: "unit:" + u.Unit, N: 1, Choices: choose("unit:"+u.Unit, proposed, none)})
	}
	if len(f.Units) == 0 || f.MoreUnits > 0 {
		w.Package = &decideView{Name: f.Package, Field: "package:" + f.Package, N: f.MoreUnits, Choices: choose("package:"+f.Package, pack, "decide")}
	}
}

func assessed(a *fact.Assessment) []wordFact {
	out := []wordFact{{"from", view.Moment(a.From)}, {"to", view.Moment(a.To)}, {"outcome", dossier.Word(a.Outcome)}, {"monitored", view.Span(a.Monitored)},
		{"unknown", view.Span(a.Unmonitored)}, {"out of range", view.Span(a.OutOfRange)}}
	if a.Min != nil && a.Max != nil {
		out = append(out, wordFact{"lowest", dossier.Degrees(*a.Min)}, wordFact{"highest", dossier.Degrees(*a.Max)})
	}
	if a.Mean != nil {
		out = append(out, wordFact{"mean", dossier.Degrees(*a.Mean)})
	}
	if a.MKT != nil {
		out = append(out, wordFact{"mean kinetic temperature", dossier.Degrees(*a.MKT)})
	}
	return append(out, wordFact{"verdict on the range", a.Verdict})
}

// caseStep is POST /view/excursion/{id}/STEP.
func (s *Server) caseStep(step excursion.Step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.MultipartForm != nil {
			defer r.MultipartForm.RemoveAll()
		}
		by, err := s.stepBy(r)
		if err == nil {
			err = s.doStep(r, step, by)
		}
		if err == nil {
			http.Redirect(w, r, casePath(by.Case)+"?done="+string(step)+"#work", http.StatusSeeOther)
			return
		}
		if errors.Is(err, excursion.ErrNotFound) {
			s.fail(w, r, http.StatusNotFound, "There is no such excursion", "Nothing is known of excursion "+r.PathValue("id")+".")
			return
		}
		status, problem := stepProblem(err)
		if status == http.StatusInternalServerError {
			s.broken(w, r, string(step)+" an excursion", err)
			return
		}
		said := r.PostForm
		said.Del("password")
		s.showCase(w, r, status, casePage{Problem: problem}, said)
	}
}

// stepBy reads who takes a step, of which case as they looked at it, and why.
func (s *Server) stepBy(r *http.Request) (excursion.By, error) {
	by := excursion.By{Actor: viewerOf(r).actor(), Case: r.PathValue("id"), Why: strings.TrimSpace(r.PostFormValue("reason"))}
	version, err := strconv.ParseInt(r.PostFormValue("version"), 10, 64)
	if err != nil || version < 0 {
		return by, errForm("version: the form does not say which version of the excursion was looked at; load the page anew")
	}
	once := r.PostFormValue("once")
	if len(once) < 20 || len(once) > 64 || strings.ContainsFunc(once, func(c rune) bool { return (c < 'A' || c > 'Z') && (c < '0' || c > '9') }) {
		return by, errForm("once: the form has no number of its own; load the page anew")
	}
	by.Expect, by.ID = version, "excursion-step-"+once
	return by, nil
}

// errForm is a form that is no form of the page.
type errForm string

func (e errForm) Error() string { return string(e) }

func (s *Server) doStep(r *http.Request, step excursion.Step, by excursion.By) (err error) {
	x, ctx := s.cfg.Excursions, r.Context()
	switch step {
	case excursion.Acknowledge:
		_, err = x.Acknowledge(ctx, by)
	case excursion.Investigate:
		_, err = x.Investigate(ctx, by)
	case excursion.Close:
		_, err = x.Close(ctx, by)
	case excursion.Assess:
		from, err := instantOf("from", r.PostFormValue("from"))
		if err != nil {
			return errForm(err.Error())
		}
		to, err := instantOf("to", r.PostFormValue("to"))
		if err != nil {
			return errForm(err.Error())
		}
		_, err = x.Assess(ctx, by, from, to)
		return err
	case excursion.Propose:
		_, err = x.Propose(ctx, by, decisionsOf(r.PostForm))
	case excursion.Comment:
		by.Expect = -1 // words are not about a version
		var all []excursion.Upload
		if all, err = uploads(r); err == nil {
			_, err = x.Attach(ctx, by, strings.TrimSpace(r.PostFormValue("text")), all)
		}
	case excursion.Sign, excursion.Approve:
		proof := excursion.Proof{Password: r.PostFormValue("password"), Content: r.PostFormValue("content"), Comment: strings.TrimSpace(r.PostFormValue("comment"))}
		if key := r.PostFormValue("passkey"); key != "" {
			if !json.Valid([]byte(key)) {
				return errForm("passkey: is no answer of one")
			}
			proof.Passkey = []byte(key)
		}
		by.Why = ""
		ctx = s.origin(r, viewerOf(r).Person.ID)
		if step == excursion.Sign {
			_, err = x.Sign(ctx, by, proof)
		} else {
			_, err = x.Approve(ctx, by, proof)
		}
	}
	return err
}

// decisionsOf reads what is decided; what is left as its lot is not said.
func decisionsOf(form url.Values) (out []excursion.Decision) {
	for _, field := range slices.Sorted(maps.Keys(form)) {
		decision := form.Get(field)
		if decision == "" {
			continue
		}
		kind, name, _ := strings.Cut(field, ":")
		switch kind {
		case "unit":
			out = append(out, excursion.Decision{Unit: name, Decision: decision})
		case "lot":
			out = append(out, excursion.Decision{Lot: name, Decision: decision})
		case "package":
			out = append(out, excursion.Decision{Package: name, Decision: decision})
		}
	}
	return out
}

// uploads reads the documents of a form; nothing of them is a file on this machine.
func uploads(r *http.Request) (out []excursion.Upload, err error) {
	if r.MultipartForm == nil {
		return nil, nil
	}
	for _, h := range r.MultipartForm.File["document"] {
		if h.Filename == "" && h.Size == 0 {
			continue // none was chosen
		}
		body, err := readUpload(h)
		if err != nil {
			return nil, err
		}
		out = append(out, excursion.Upload{Name: h.Filename, Body: body})
	}
	return out, nil
}

func readUpload(h *multipart.FileHeader) ([]byte, error) {
	f, err := h.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, excursion.MaxDocument+1))
}

// stepProblem is what a step that was not taken comes to, as people read it.
func stepProblem(err error) (status int, problem string) {
	var form errForm
	var wait *people.WaitError
	switch {
	case errors.As(err, &wait):
		return http.StatusTooManyRequests, "Too many passwords were wrong. Try again in " + view.Span(wait.Wait.Milliseconds()) + "."
	case errors.Is(err, excursion.ErrPassword):
		return http.StatusForbidden, "This is not your password, or the passkey was not yours: nothing is signed. It is in the trail that somebody tried."
	case errors.Is(err, excursion.ErrForbidden):
		return http.StatusForbidden, "Not done: " + err.Error() + "."
	case errors.Is(err, excursion.ErrStale), errors.Is(err, event.ErrStale):
		return http.StatusConflict, "Not done: the excursion has changed since this page was loaded. What it says now is below; look at it, then decide."
	case errors.Is(err, excursion.ErrOrder):
		return http.StatusConflict, "Not done: somebody was quicker, or the excursion has moved on: " + err.Error() + "."
	case errors.Is(err, event.ErrReused):
		return http.StatusConflict, "Not done: this form was sent before, with something else in it."
	case errors.Is(err, excursion.ErrInvalid), errors.As(err, &form):
		return http.StatusUnprocessableEntity, "Not done: " + err.Error() + "."
	}
	return http.StatusInternalServerError, ""
}

// caseDocument is GET /view/excursion/{id}/document/{sha}. A browser saves it and
// never shows it: anybody may have made it.
func (s *Server) caseDocument(w http.ResponseWriter, r *http.Request) {
	d, body, err := s.cfg.Excursions.Document(r.Context(), r.PathValue("id"), r.PathValue("sha"))
	if errors.Is(err, excursion.ErrNotFound) {
		s.fail(w, r, http.StatusNotFound, "There is no such document", "Nothing with this hash is attached to the excursion.")
		return
	}
	if err != nil {
		s.broken(w, r, "read a document", err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", excursion.Media(body))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Disposition", `attachment; filename="`+fileName(d.Name)+`"; filename*=UTF-8''`+url.PathEscape(d.Name))
	_, _ = w.Write(body)
}
