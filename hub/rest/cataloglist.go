package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
)

// lister is the input of a list of one kind.
type lister interface {
	paging() *Paging
	filter() (catalog.Filter, error)
}

// Listing is what every list of records takes.
type Listing struct {
	Paging
	Retired bool `query:"retired" doc:"Give those that are retired too."`
}

func (l *Listing) paging() *Paging { return &l.Paging }

// by makes a filter of pairs of parameter and value, of which one may be given.
func (l *Listing) by(pairs ...string) (f catalog.Filter, err error) {
	f.Retired = l.Retired
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if f.Field != "" {
			return f, failAt(unacceptable, "query", "/"+pairs[i], pairs[i+1], "%s: leave it out, or %s: a list is chosen by one of them", pairs[i], f.Field)
		}
		f.Field, f.Value = pairs[i], pairs[i+1]
	}
	return f, nil
}

type (
	plainList struct{ Listing }
	zoneList  struct {
		Listing
		Site    string `query:"site" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those of this site."`
		Profile string `query:"profile" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those that are to keep this storage profile."`
	}
	compartmentList struct {
		Listing
		Vehicle string `query:"vehicle" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those of this vehicle."`
		Profile string `query:"profile" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those that are to keep this storage profile."`
	}
	gatewayList struct {
		Listing
		Site    string `query:"site" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those at this site."`
		Vehicle string `query:"vehicle" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those in this vehicle."`
	}
	sensorList struct {
		Listing
		Gateway string `query:"gateway" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those of this gateway."`
	}
	calibrationList struct {
		Listing
		Sensor string `query:"sensor" maxLength:"129" pattern:"^[A-Za-z0-9._:+/-]*$" doc:"Those of this sensor, GATEWAY/SENSOR."`
	}
	productList struct {
		Listing
		Profile string `query:"profile" maxLength:"64" pattern:"^[A-Za-z0-9._:+-]*$" doc:"Those that are to be kept by this storage profile."`
		GTIN    string `query:"gtin" maxLength:"14" pattern:"^([0-9]{8}|[0-9]{12,14})?$" doc:"The one in use with this GTIN."`
	}
)

func (l *plainList) filter() (catalog.Filter, error) { return l.by() }
func (l *zoneList) filter() (catalog.Filter, error) {
	return l.by("site", l.Site, "profile", l.Profile)
}
func (l *compartmentList) filter() (catalog.Filter, error) {
	return l.by("vehicle", l.Vehicle, "profile", l.Profile)
}
func (l *gatewayList) filter() (catalog.Filter, error) {
	return l.by("site", l.Site, "vehicle", l.Vehicle)
}
func (l *sensorList) filter() (catalog.Filter, error)      { return l.by("gateway", l.Gateway) }
func (l *calibrationList) filter() (catalog.Filter, error) { return l.by("sensor", l.Sensor) }
func (l *productList) filter() (catalog.Filter, error) {
	return l.by("profile", l.Profile, "gtin", l.GTIN)
}

// registerList registers the list of one kind.
func registerList[W, I any, P interface {
	*I
	lister
}](api huma.API, c Catalog, k fact.Kind, op huma.Operation) {
	huma.Register(api, op, func(ctx context.Context, input *I) (*listReply[entered[W]], error) {
		in := P(input)
		after, err := in.paging().after(ctx)
		if err != nil {
			return nil, err
		}
		f, err := in.filter()
		if err != nil {
			return nil, err
		}
		var read []catalog.Entry
		if f.Field == "gtin" {
			read, err = only(c.ByGTIN(ctx, f.Value))
		} else {
			read, err = c.List(ctx, k, f, after, in.paging().Limit+1)
		}
		if err != nil {
			return nil, err
		}
		return pageOf[W](ctx, read, in.paging().Limit, func(e entered[W]) string { return e.ref.ID })
	})
}

// only is a list of what is there.
func only(e catalog.Entry, err error) ([]catalog.Entry, error) {
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	return []catalog.Entry{e}, err
}

func pageOf[W any](ctx context.Context, read []catalog.Entry, limit int, key func(entered[W]) string) (*listReply[entered[W]], error) {
	all := make([]entered[W], 0, len(read))
	for _, e := range read {
		body, err := enteredOf[W](e)
		if err != nil {
			return nil, err
		}
		all = append(all, body)
	}
	return paged(ctx, all, limit, key), nil
}

// registerVersions registers what only profiles have.
func registerVersions(api huma.API, c Catalog) {
	op := func(method, path, id string, scope Scope, summary string) huma.Operation {
		return tagged(operation(method, path, id, scope, summary), fact.Profile.Plural())
	}
	const path = "/profiles/{id}/versions"
	huma.Register(api, op(http.MethodGet, path, "list-profile-versions", Read, "List the versions of a storage profile, from the first"),
		func(ctx context.Context, in *struct {
			RecordPath
			Paging
		}) (*listReply[entered[sheet.FlatProfile]], error) {
			after, err := number(in.after(ctx))
			if err != nil {
				return nil, err
			}
			if _, err := c.Get(ctx, fact.Ref{Kind: fact.Profile, ID: in.ID}); err != nil {
				return nil, err
			}
			read, err := c.Versions(ctx, in.ID, int(after), in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(ctx, read, in.Limit, func(e entered[sheet.FlatProfile]) string { return strconv.Itoa(e.Record.Version) })
		})
	huma.Register(api, op(http.MethodGet, path+"/{version}", "get-profile-version", Read, "Give one version of a storage profile"),
		func(ctx context.Context, in *struct {
			RecordPath
			Version int `path:"version" minimum:"1" maximum:"1000000" doc:"From 1."`
		}) (*enteredReply[sheet.FlatProfile], error) {
			e, err := c.Version(ctx, in.ID, in.Version)
			if err != nil {
				return nil, err
			}
			body, err := enteredOf[sheet.FlatProfile](e)
			return &enteredReply[sheet.FlatProfile]{etag(e.Version), body}, err
		})
	huma.Register(api, status(op(http.MethodPost, path, "create-profile-version", Write, "Enter the next version of a storage profile; what is as the newest is left alone"), http.StatusOK),
		func(ctx context.Context, in *struct {
			RecordPath
			Precondition
			Why
			Body entered[sheet.FlatProfile]
		}) (*entered201[sheet.FlatProfile], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			ref := fact.Ref{Kind: fact.Profile, ID: in.ID}
			if _, err := c.Get(ctx, ref); err != nil {
				return nil, err
			}
			record := recordOf(named(in.Body.Record, in.ID))
			if id := record.Ref().ID; id != in.ID {
				return nil, failAt(unacceptable, "body", "/id", id, "id %q: the path names %q; give the same or leave it out", short(id), short(in.ID))
			}
			r, err := c.Define(ctx, Actor(ctx), in.Reason, record, expect)
			if err != nil {
				return nil, told(err)
			}
			body, err := enteredOf[sheet.FlatProfile](r.Entry)
			out := &entered201[sheet.FlatProfile]{Status: http.StatusOK, ETag: etag(r.Entry.Version), Body: body}
			if r.Changed {
				out.Status = http.StatusCreated
				out.Location = "/profiles/" + in.ID + "/versions/" + strconv.Itoa(body.Record.Version)
			}
			return out, err
		})
	orCreated(api.OpenAPI().Paths[path].Post)
}

// number reads the key of a page that is a number; "" is 0.
func number(key string, err error) (int64, error) {
	if key == "" || err != nil {
		return 0, err
	}
	return strconv.ParseInt(key, 10, 64)
}

// registerTrail registers the trail of one kind.
func registerTrail(api huma.API, c Catalog, k fact.Kind, op huma.Operation) {
	huma.Register(api, op, func(ctx context.Context, in *struct {
		RecordPath
		Paging
	}) (*listReply[catalog.RecordChange], error) {
		after, err := number(in.after(ctx))
		if err != nil {
			return nil, err
		}
		read, err := c.Trail(ctx, fact.Ref{Kind: k, ID: in.ID}, after, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return paged(ctx, read, in.Limit, func(c catalog.RecordChange) string { return strconv.FormatInt(c.Version, 10) }), nil
	})
}
