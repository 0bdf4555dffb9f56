package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Catalog is what the operations on what people have entered need.
type Catalog interface {
	Define(ctx context.Context, actor, reason string, record fact.Record, expect int64) (catalog.Result, error)
	Retire(ctx context.Context, actor, reason string, ref fact.Ref, expect int64) (catalog.Result, error)
	Get(ctx context.Context, ref fact.Ref) (catalog.Entry, error)
	List(ctx context.Context, k fact.Kind, f catalog.Filter, after string, limit int) ([]catalog.Entry, error)
	ByGTIN(ctx context.Context, gtin string) (catalog.Entry, error)
	Version(ctx context.Context, profile string, version int) (catalog.Entry, error)
	Versions(ctx context.Context, profile string, after, limit int) ([]catalog.Entry, error)
	Trail(ctx context.Context, ref fact.Ref, after int64, limit int) ([]catalog.RecordChange, error)
	Import(ctx context.Context, actor, reason string, kind fact.Kind, s *sheet.Sheet, dryRun bool, progress catalog.Progress) (catalog.ImportReport, error)
	Importing() []catalog.Underway
	Export(ctx context.Context, k fact.Kind, f catalog.Filter, w io.Writer, format sheet.Format) (int, error)
}

func init() {
	means(catalog.ErrNotFound, notFound)
	means(catalog.ErrExists, conflict)
	means(catalog.ErrRetired, conflict)
	means(catalog.ErrInvalid, unacceptable)
}

func registerCatalog(api huma.API, c Catalog) {
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[thermal.Temp](), reflect.TypeFor[float64]())
	registerKind[fact.SiteRecord, plainList](api, c, fact.Site, "site")
	registerKind[fact.ZoneRecord, zoneList](api, c, fact.Zone, "zone")
	registerKind[fact.VehicleRecord, plainList](api, c, fact.Vehicle, "vehicle")
	registerKind[fact.CompartmentRecord, compartmentList](api, c, fact.Compartment, "compartment of a vehicle")
	registerKind[fact.GatewayRecord, gatewayList](api, c, fact.Gateway, "gateway")
	registerKind[fact.SensorRecord, sensorList](api, c, fact.Sensor, "sensor")
	registerKind[fact.ToteRecord, plainList](api, c, fact.Tote, "tote")
	registerKind[fact.LoggerRecord, plainList](api, c, fact.Logger, "logger")
	registerKind[fact.CalibrationRecord, calibrationList](api, c, fact.Calibration, "calibration certificate")
	registerKind[sheet.FlatProfile, plainList](api, c, fact.Profile, "storage profile")
	registerKind[fact.ProductRecord, productList](api, c, fact.Product, "product")
	registerKind[fact.PartyRecord, plainList](api, c, fact.Party, "party that can have custody")
	registerVersions(api, c)
	registerImports(api, c)
}

// RecordPath names a record.
type RecordPath struct {
	ID string `path:"id" minLength:"1" maxLength:"129" pattern:"^[A-Za-z0-9._:+/-]+$" doc:"Id of the record. That of a sensor is GATEWAY/SENSOR, with the stroke as %2F."`
}

// Why is the reason of a change, for the trail.
type Why struct {
	Reason string `query:"reason" maxLength:"500" doc:"Why, for the trail."`
}

type entered201[W any] struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     entered[W]
}

type enteredReply[W any] struct {
	ETag string `header:"ETag"`
	Body entered[W]
}

// PutCondition lets a record be entered only where it is, or is not, as the
// caller thinks.
type PutCondition struct {
	Precondition
	IfNoneMatch string `header:"If-None-Match" maxLength:"1" enum:"*" doc:"With *, only a record that is not there yet is entered."`
}

func (p *PutCondition) expectation() (int64, error) {
	switch {
	case p.IfNoneMatch == "":
		return p.expect()
	case p.IfMatch != "":
		return 0, failAt(unacceptable, "header", "/If-None-Match", p.IfNoneMatch, "If-None-Match: leave it out, or If-Match")
	}
	return 0, nil
}

// registerKind registers the operations on one kind of records. W is the record
// on the wire, I the parameters of its list.
func registerKind[W, I any, P interface {
	*I
	lister
}](api huma.API, c Catalog, k fact.Kind, word string) {
	path, tag := "/"+k.Plural(), k.Plural()
	name := string(k)
	op := func(method, path, id string, scope Scope, summary string) huma.Operation {
		return tagged(operation(method, path, id, scope, summary), tag)
	}
	huma.Register(api, op(http.MethodGet, path+"/{id}", "get-"+name, Read, "Give one "+word),
		func(ctx context.Context, in *RecordPath) (*enteredReply[W], error) {
			e, err := c.Get(ctx, fact.Ref{Kind: k, ID: in.ID})
			if err != nil {
				return nil, err
			}
			body, err := enteredOf[W](e)
			return &enteredReply[W]{etag(e.Version), body}, err
		})
	registerList[W, I, P](api, c, k, op(http.MethodGet, path, "list-"+k.Plural(), Read, "List "+k.Plural()))
	huma.Register(api, status(op(http.MethodPost, path, "create-"+name, Write, "Enter a new "+word), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Why
			Body entered[W]
		}) (*entered201[W], error) {
			return define[W](ctx, c, path, in.Reason, recordOf(in.Body.Record), 0)
		})
	huma.Register(api, op(http.MethodPut, path+"/{id}", "put-"+name, Write, "Enter a "+word+", or change it whole"),
		func(ctx context.Context, in *struct {
			RecordPath
			PutCondition
			Why
			Body entered[W]
		}) (*entered201[W], error) {
			expect, err := in.expectation()
			if err != nil {
				return nil, err
			}
			record := recordOf(named(in.Body.Record, in.ID))
			if id := record.Ref().ID; id != in.ID {
				return nil, failAt(unacceptable, "body", "/id", id, "id %q: the path names %q; give the same or leave it out", short(id), short(in.ID))
			}
			out, err := define[W](ctx, c, path, in.Reason, record, expect)
			if errors.Is(err, catalog.ErrExists) { // by If-None-Match
				return nil, fail(stale, "%v", err)
			}
			return out, err
		})
	orCreated(api.OpenAPI().Paths[path+"/{id}"].Put)
	huma.Register(api, status(op(http.MethodDelete, path+"/{id}", "retire-"+name, Write, "Take a "+word+" out of use; it stays readable"), http.StatusOK),
		func(ctx context.Context, in *struct {
			RecordPath
			Precondition
			Reason string `query:"reason" required:"true" minLength:"1" maxLength:"500" doc:"Why, for the trail."`
		}) (*enteredReply[W], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			r, err := c.Retire(ctx, Actor(ctx), in.Reason, fact.Ref{Kind: k, ID: in.ID}, expect)
			if err != nil {
				return nil, told(err)
			}
			body, err := enteredOf[W](r.Entry)
			return &enteredReply[W]{etag(r.Entry.Version), body}, err
		})
	registerTrail(api, c, k, op(http.MethodGet, path+"/{id}/trail", "get-"+name+"-trail", Read, "Tell who changed what, when and why, oldest first"))
}

func define[W any](ctx context.Context, c Catalog, path, reason string, record fact.Record, expect int64) (*entered201[W], error) {
	r, err := c.Define(ctx, Actor(ctx), reason, record, expect)
	if err != nil {
		return nil, told(err)
	}
	body, err := enteredOf[W](r.Entry)
	out := &entered201[W]{Status: http.StatusOK, ETag: etag(r.Entry.Version), Body: body}
	if r.Created {
		out.Status = http.StatusCreated
		out.Location = path + "/" + url.PathEscape(r.Entry.Ref.ID)
	}
	return out, err
}

// told makes of what is wrong with a record a problem with each fault.
func told(err error) error {
	var invalid *catalog.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	p := fail(unacceptable, "%v", invalid)
	for _, w := range invalid.Problems[:min(len(invalid.Problems), maxFaults)] {
		detail := w.What
		if w.Remedy != "" {
			detail += "; " + w.Remedy
		}
		in := "body"
		if w.Field == "reason" {
			in = "query"
		}
		p.Errors = append(p.Errors, Fault{In: in, Pointer: pointer(w.Field), Detail: detail, Value: short(w.Value)})
	}
	return p
}
