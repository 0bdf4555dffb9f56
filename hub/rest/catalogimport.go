package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
)

// importWithin is the time for an import to be sent and worked through.
const importWithin = 2 * time.Minute

// importProblem is a problem with the report of an import that was not done.
type importProblem struct {
	*Problem
	Report catalog.ImportReport `json:"report"`
}

type importInput struct {
	Kind        string `path:"kind" enum:"all,profiles,sites,zones,vehicles,compartments,gateways,sensors,totes,loggers,calibrations,products,parties" doc:"What the records are; all: each says its kind (JSON only)."`
	DryRun      bool   `query:"dryRun" doc:"Check only: tell what would be done, and do nothing."`
	Separator   string `query:"separator" enum:"comma,semicolon,tab" default:"comma" doc:"Between the fields of CSV."`
	Reason      string `query:"reason" maxLength:"500" doc:"Why, for the trail."`
	ContentType string `header:"Content-Type" maxLength:"100" doc:"text/csv; application/json for an array; application/x-ndjson for one record a line, or an array."`
	RawBody     []byte `contentType:"text/csv" required:"true"`
}

var separators = map[string]rune{"": ',', "comma": ',', "semicolon": ';', "tab": '\t'}

func registerImports(api huma.API, c Catalog) {
	op := limits(tagged(operation(http.MethodPost, "/imports/{kind}", "import-records", Write,
		"Enter the records of a file: all of them, or none where something is wrong with any"), "imports"), maxImport, importWithin)
	op.Description = "At most 16 MiB and 50,000 records. The columns of CSV are told by: frostline import KIND --example. " +
		"Records that are as they were are left alone, so the same import twice changes nothing. " +
		"What is wrong is told line by line in a 422, in its member report; up to 1000 problems are listed."
	op.SkipValidateBody = true // it is read by package sheet
	text := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"text/csv": {Schema: text}, "application/json": {Schema: text}, "application/x-ndjson": {Schema: text},
	}}
	huma.Register(api, op, func(ctx context.Context, in *importInput) (*struct{ Body catalog.ImportReport }, error) {
		o := sheet.Options{Kind: sheet.All, Format: sheet.JSON, Separator: separators[in.Separator]}
		if in.Kind != string(sheet.All) {
			kind, err := fact.ParseRecordKind(in.Kind)
			if err != nil {
				return nil, failAt(notFound, "path", "/kind", in.Kind, "%v", err)
			}
			o.Kind = kind
		}
		if isCSV(in.ContentType) {
			o.Format = sheet.CSV
		}
		reason := in.Reason
		if reason == "" {
			reason = "import"
		}
		report, err := c.Import(ctx, Actor(ctx), reason, o.Kind, sheet.Parse(in.RawBody, o), in.DryRun, nil)
		if err != nil {
			return nil, err
		}
		if !report.OK() {
			p := fail(unacceptable, "file: %s; %d problems in all, and nothing was done", report.Problems[0], len(report.Problems)+report.More)
			p.attend(ctx)
			return nil, &importProblem{p, report}
		}
		return &struct{ Body catalog.ImportReport }{report}, nil
	})
	huma.Register(api, tagged(operation(http.MethodGet, "/imports", "list-imports", Read, "List imports under way, with how far they are"), "imports"),
		func(context.Context, *struct{}) (*listReply[catalog.Underway], error) {
			return &listReply[catalog.Underway]{List[catalog.Underway]{Items: c.Importing()}}, nil
		})
	registerExports(api, c)
}

func isCSV(contentType string) bool {
	return len(contentType) >= 8 && contentType[:8] == "text/csv"
}

func registerExports(api huma.API, c Catalog) {
	op := tagged(operation(http.MethodGet, "/exports/{kind}", "export-records", Read, "Give all records of a kind as a file that can be imported"), "imports")
	op.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"text/csv":             {Schema: &huma.Schema{Type: huma.TypeString, Description: "Texts that a spreadsheet would run as a formula have an apostrophe before them."}},
		"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	huma.Register(api, op, func(ctx context.Context, in *struct {
		Kind    string `path:"kind" enum:"profiles,sites,zones,vehicles,compartments,gateways,sensors,totes,loggers,calibrations,products,parties" doc:"Which records."`
		Format  string `query:"format" enum:"csv,json" default:"csv" doc:"csv, or json for one record a line."`
		Retired bool   `query:"retired" doc:"Give those that are retired too."`
	}) (*huma.StreamResponse, error) {
		kind, err := fact.ParseRecordKind(in.Kind)
		if err != nil {
			return nil, failAt(notFound, "path", "/kind", in.Kind, "%v", err)
		}
		format := sheet.Format(in.Format)
		if format == sheet.CSV && sheet.Columns(kind) == nil {
			return nil, failAt(unacceptable, "query", "/format", in.Format, "format %q: %s have lists within them; ask for json", in.Format, kind.Plural())
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			media := "text/csv; charset=utf-8"
			if format == sheet.JSON {
				media = "application/x-ndjson"
			}
			hc.SetHeader("Content-Type", media)
			hc.SetHeader("Content-Disposition", `attachment; filename="`+in.Kind+`.`+in.Format+`"`)
			if _, err := c.Export(ctx, kind, catalog.Filter{Retired: in.Retired}, hc.BodyWriter(), format); err != nil {
				if l := callOf(ctx).log; l != nil && ctx.Err() == nil {
					l.Error("export was cut short", "kind", in.Kind, "error", err)
				}
				panic(http.ErrAbortHandler) // an answer cut short must not look whole
			}
		}}, nil
	})
}
