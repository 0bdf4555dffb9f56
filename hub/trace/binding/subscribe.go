package binding

import (
	"net/http"
	"net/url"

	"frostline/hub/trace/form"
	"frostline/hub/trace/subscription"
)

// subscribed is a subscription as it is told: without its secret.
type subscribed struct {
	ID            string                 `json:"subscriptionID"`
	Query         string                 `json:"queryName"`
	Dest          string                 `json:"dest"`
	Created       string                 `json:"createdAt"`
	Told          string                 `json:"lastNotifiedAt,omitempty"`
	Stream        bool                   `json:"stream,omitempty"`
	Schedule      *subscription.Schedule `json:"schedule,omitempty"`
	ReportIfEmpty bool                   `json:"reportIfEmpty,omitempty"`
	Initial       string                 `json:"initialRecordTime,omitempty"`
	Least         string                 `json:"minRecordTime,omitempty"`
	Form          form.Form              `json:"epcFormat,omitempty"`
	// Beyond the description: how deliveries go.
	State    string `json:"frostline:state"` // active, failing, or failed: given up
	Attempts int64  `json:"frostline:attempts,omitempty"`
	Error    string `json:"frostline:error,omitempty"`
}

func tellSubscription(s subscription.Subscription) subscribed {
	out := subscribed{ID: s.ID, Query: s.Query, Dest: s.Dest, Created: stamp(s.Created), Stream: s.Stream, Schedule: s.Schedule, ReportIfEmpty: s.ReportIfEmpty,
		Initial: s.InitialRecordTime, Form: s.Form, State: "active", Attempts: s.Attempts, Error: s.Error}
	if s.Told > 0 {
		out.Told = stamp(s.Told)
	}
	if s.Asked > 0 && s.Schedule != nil {
		out.Least = stamp(s.Asked)
	}
	switch {
	case s.Failed:
		out.State = "failed"
	case s.Failing > 0:
		out.State = "failing"
	}
	return out
}

// subscribe answers POST /queries/{queryName}/subscriptions.
func (b *Binding) subscribe(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	var in subscription.Order
	if err := decode(w, r, badControls, &in); err != nil {
		return err
	}
	var err error
	if in.Form, err = format(r); err != nil {
		return err
	}
	s, err := b.Subscriptions.Subscribe(r.Context(), callOf(r).actor, r.PathValue("query"), in)
	if err != nil {
		return err
	}
	w.Header().Set("Location", Root+"/queries/"+url.PathEscape(s.Query)+"/subscriptions/"+s.ID)
	return reply(w, r, http.StatusCreated, tellSubscription(s))
}

// subscriptions answers GET /queries/{queryName}/subscriptions.
func (b *Binding) subscriptions(w http.ResponseWriter, r *http.Request) error {
	p, after, err := b.readList(r)
	if err != nil {
		return err
	}
	all, err := b.Subscriptions.Subscriptions(r.Context(), r.PathValue("query"), after, p.size+1)
	if err != nil {
		return err
	}
	list := []subscribed{}
	if len(all) > p.size {
		all = all[:p.size]
		b.link(w, r, p, token{After: all[p.size-1].ID})
	}
	for _, s := range all {
		list = append(list, tellSubscription(s))
	}
	return reply(w, r, http.StatusOK, list)
}

// subscription answers GET /queries/{queryName}/subscriptions/{subscriptionID}.
func (b *Binding) subscription(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	s, err := b.Subscriptions.Subscription(r.Context(), r.PathValue("query"), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, tellSubscription(s))
}

// unsubscribe answers DELETE of a subscription.
func (b *Binding) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	if err := b.Subscriptions.Unsubscribe(r.Context(), r.PathValue("query"), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
