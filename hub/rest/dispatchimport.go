package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/manifest"
)

// dispatchProblem is a problem with the report of an import that was not done.
type dispatchProblem struct {
	*Problem
	Report dispatch.Imported `json:"report"`
}

type dispatchImport struct {
	Kind        string `path:"kind" enum:"places,couriers,jobs,routes" doc:"What the records are."`
	DryRun      bool   `query:"dryRun" doc:"Check only: tell what would be done, and do nothing."`
	Separator   string `query:"separator" enum:"comma,semicolon,tab" default:"comma" doc:"Between the fields of CSV."`
	Reason      string `query:"reason" maxLength:"500" doc:"Why, for the trail."`
	ContentType string `header:"Content-Type" maxLength:"100" doc:"text/csv; application/json or application/yaml for a list of records."`
	RawBody     []byte `contentType:"text/csv" required:"true"`
}

// Import is the part of Dispatch about files.
type Import interface {
	Import(ctx context.Context, actor, reason, kind string, items []dispatch.Item, dryRun bool) (dispatch.Imported, error)
}

func registerDispatchImport(api huma.API, d Import) {
	op := limits(tagged(operation(http.MethodPost, "/imports/dispatch/{kind}", "import-dispatch", Write,
		"Enter the places, couriers, jobs or routes of a file: all of them, or none where something is wrong with any"), "imports"), manifest.MaxBytes, importWithin)
	op.Description = "At most 8 MiB and 5,000 records. The columns of CSV are told by: frostline import KIND --columns. " +
		"Records that are as they were are left alone, so the same import twice changes nothing. " +
		"What is wrong is told line by line in a 422, in its member report; up to 1000 problems are listed."
	op.SkipValidateBody = true // it is read by package manifest
	text := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"text/csv": {Schema: text}, "application/json": {Schema: text}, "application/yaml": {Schema: text},
	}}
	huma.Register(api, op, func(ctx context.Context, in *dispatchImport) (*struct{ Body dispatch.Imported }, error) {
		format := manifest.JSON
		switch {
		case isCSV(in.ContentType):
			format = manifest.CSV
		case len(in.ContentType) >= 16 && in.ContentType[:16] == "application/yaml":
			format = manifest.YAML
		}
		reason := in.Reason
		if reason == "" {
			reason = "import"
		}
		items, problems := manifest.Parse(in.RawBody, in.Kind, format, separators[in.Separator])
		report := dispatch.Imported{Kind: in.Kind, DryRun: in.DryRun, Rows: len(items)}
		for _, p := range problems {
			report.Add(p)
		}
		if len(problems) == 0 {
			var err error
			if report, err = d.Import(ctx, Actor(ctx), reason, in.Kind, items, in.DryRun); err != nil {
				return nil, err
			}
		}
		if len(report.Problems) > 0 {
			first := report.Problems[0]
			p := fail(unacceptable, "file: line %d: %s; %d problems in all, and nothing was done", first.Line, short(first.What), len(report.Problems)+report.More)
			p.attend(ctx)
			return nil, &dispatchProblem{p, report}
		}
		return &struct{ Body dispatch.Imported }{report}, nil
	})
}
