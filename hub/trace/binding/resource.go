package binding

import (
	"net/http"
	"slices"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
)

// resource is a top-level resource: what events have as one of their fields.
type resource struct {
	name      string
	kind      repository.Kind
	parameter string // of queries, by which its events are found
	things    bool   // identifiers, which have several forms
	always    []string
}

var resources = []resource{
	{"eventTypes", repository.Type, "eventType", false, []string{epcis.AggregationEvent, epcis.AssociationEvent, epcis.ObjectEvent, epcis.TransactionEvent, epcis.TransformationEvent}},
	{"epcs", repository.EPC, "MATCH_anyEPC", true, nil},
	{"bizSteps", repository.BizStep, "EQ_bizStep", false, nil},
	{"bizLocations", repository.BizLocation, "EQ_bizLocation", true, nil},
	{"readPoints", repository.ReadPoint, "EQ_readPoint", true, nil},
	{"dispositions", repository.Disposition, "EQ_disposition", false, nil},
}

// collection is a list of names.
type collection struct {
	Context string   `json:"@context"`
	Type    string   `json:"type"`
	Member  []string `json:"member"`
}

func collect(all []string) collection {
	if all == nil {
		all = []string{}
	}
	return collection{epcis.ContextURL, "Collection", all}
}

// top answers GET /: what there is.
func (b *Binding) top(w http.ResponseWriter, r *http.Request) error {
	all := []string{"queries", "capture", "events"}
	for _, res := range resources {
		all = append(all, res.name)
	}
	return reply(w, r, http.StatusOK, collect(all))
}

// members answers GET /RESOURCE: the values there are.
func (b *Binding) members(res resource) operation {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, after, err := b.readList(r)
		if err != nil {
			return err
		}
		f, err := format(r)
		if err != nil {
			return err
		}
		all, err := b.Repository.Values(r.Context(), res.kind, after, p.size+1)
		if err != nil {
			return err
		}
		if len(all) > p.size {
			all = all[:p.size]
			b.link(w, r, p, token{After: all[p.size-1]})
		}
		if res.always != nil && after == "" {
			all = slices.DeleteFunc(all, func(v string) bool { return slices.Contains(res.always, v) })
			all = append(slices.Clone(res.always), all...)
		}
		if res.things {
			for i := range all {
				all[i] = form.ID(all[i], f, b.URN)
			}
		}
		return reply(w, r, http.StatusOK, collect(all))
	}
}

// member answers GET /RESOURCE/VALUE: that there are events.
func (b *Binding) member(res resource) operation {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := noParameters(r); err != nil {
			return err
		}
		if err := b.known(r, res); err != nil {
			return err
		}
		return reply(w, r, http.StatusOK, collect([]string{"events"}))
	}
}

// known fails for a value that no event has.
func (b *Binding) known(r *http.Request, res resource) error {
	value := r.PathValue("value")
	if slices.Contains(res.always, value) {
		return nil
	}
	of := value
	if res.things {
		of = epcis.Canonical(value)
	}
	found, err := b.Repository.Has(r.Context(), res.kind, of)
	if err == nil && !found {
		err = fail(noSuchName, "%s %q: no event has it", res.name, short(value))
	}
	return err
}

// eventsOf answers GET /RESOURCE/VALUE/events.
func (b *Binding) eventsOf(res resource) operation {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := b.known(r, res); err != nil {
			return err
		}
		return b.list(w, r, simpleQuery, repository.Parameters{res.parameter: {r.PathValue("value")}}, nil)
	}
}
