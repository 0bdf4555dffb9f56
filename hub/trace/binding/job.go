package binding

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"frostline/hub/trace/repository"
)

// captureJob is a job as it is told.
type captureJob struct {
	XMLName   xml.Name     `json:"-" xml:"urn:epcglobal:epcis:xsd:2 EPCISCaptureJob"`
	ID        string       `json:"captureID" xml:"captureID,attr"`
	Created   string       `json:"createdAt" xml:"createdAt,attr"`
	Finished  string       `json:"finishedAt" xml:"finishedAt,attr"`
	Running   bool         `json:"running" xml:"running,attr"`
	Success   bool         `json:"success" xml:"success,attr"`
	Behaviour string       `json:"captureErrorBehaviour" xml:"captureErrorBehaviour,attr"`
	Errors    []jobProblem `json:"errors" xml:"errors>error"`
	// Beyond the description: events that are new, and those known before.
	Captured int64 `json:"frostline:captured" xml:"-"`
	Known    int64 `json:"frostline:known" xml:"-"`
}

// jobProblem is a problem of an event of a job.
type jobProblem struct {
	Type    string `json:"type" xml:"type"`
	Title   string `json:"title" xml:"title"`
	Status  int    `json:"status" xml:"status"`
	Detail  string `json:"detail" xml:"detail"`
	Pointer string `json:"pointer,omitempty" xml:"pointer,omitempty"`
	EventID string `json:"eventID,omitempty" xml:"eventID,omitempty"`
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

func told(j repository.Job) captureJob {
	c := captureJob{ID: j.ID, Created: stamp(j.Created), Finished: stamp(j.Finished), Success: j.Success, Behaviour: string(j.Behaviour), Errors: []jobProblem{}, Captured: j.Captured, Known: j.Known}
	for _, p := range j.Problems {
		status := http.StatusBadRequest
		if p.Type == repository.Exists {
			status = http.StatusConflict
		}
		c.Errors = append(c.Errors, jobProblem{p.Type, p.Title, status, p.Detail, p.Pointer, p.EventID})
	}
	return c
}

// job answers GET /capture/{captureID}.
func (b *Binding) job(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	j, err := b.Repository.Job(r.Context(), r.PathValue("captureID"))
	if err != nil {
		return err
	}
	if accepted(r, jsonType, ldJSONType, xmlType) == xmlType {
		body, err := xml.Marshal(told(j))
		if err != nil {
			return fmt.Errorf("write job: %w", err)
		}
		w.Header().Set("Content-Type", xmlType)
		_, _ = w.Write(body)
		return nil
	}
	return reply(w, r, http.StatusOK, told(j))
}

// jobs answers GET /capture, newest first.
func (b *Binding) jobs(w http.ResponseWriter, r *http.Request) error {
	p, after, err := b.readList(r)
	if err != nil {
		return err
	}
	before := int64(0)
	if p.token != nil {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil || before < 1 {
			return fail(badParameter, "nextPageToken: it is not one of this list")
		}
	}
	all, err := b.Repository.Jobs(r.Context(), before, p.size+1)
	if err != nil {
		return err
	}
	list := []captureJob{}
	if len(all) > p.size {
		all = all[:p.size]
		b.link(w, r, p, token{After: strconv.FormatInt(all[p.size-1].Number, 10)})
	}
	for _, j := range all {
		list = append(list, told(j))
	}
	return reply(w, r, http.StatusOK, list)
}

// reply answers with JSON.
func reply(w http.ResponseWriter, r *http.Request, status int, v any) error {
	kind := accepted(r, jsonType, ldJSONType)
	if kind == "" {
		return fail(notAcceptable, "Accept %q: this is told in %s", short(r.Header.Get("Accept")), jsonType)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}
