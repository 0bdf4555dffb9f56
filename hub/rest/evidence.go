package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/evidence"
	"frostline/hub/evidence/ledger"
)

// Evidence makes the bundles by which shipments can be checked.
type Evidence interface {
	// ExportWith makes the bundle of a shipment as it is wanted. It fails with
	// evidence.ErrNotFound, and with evidence.ErrBusy where the log has not caught
	// up yet.
	ExportWith(ctx context.Context, shipment string, want evidence.Wanted) (*evidence.Bundle, error)
}

// EvidenceLog is the log that bundles prove things by.
type EvidenceLog interface {
	// Bundle gives 256 entries, from 256·n. It fails with ledger.ErrNoBundle where
	// the log ends before.
	Bundle(ctx context.Context, n uint64) ([]byte, error)
}

// unsignedHeader counts the blocks in a bundle that await their seal.
const unsignedHeader = "Frostline-Unsigned"

// maxSealWait is how long an export may wait for seals; it stands in the
// operation's input as well.
const maxSealWait = 20 * time.Second

func registerEvidence(api huma.API, e Evidence) {
	op := tagged(operation(http.MethodGet, "/shipments/{id}/evidence", "export-evidence", Read,
		"Give the evidence of a shipment as one file that anybody can check offline"), "evidence")
	op.Description = "A zip file: the readings as gateways signed them, the facts and verdicts with proofs that they are in the hub's log, documents that people attached to its excursions, and the keys. " +
		"Check it by: frostline evidence verify FILE. Made again while nothing new has happened about the shipment it is the same, byte for byte. " +
		"Gateways sign what they have about once a minute: blocks that they have not signed yet are told as such, and verify up to what is signed."
	op.BodyReadTimeout += maxSealWait // an answer may take as much longer
	op.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}, Headers: map[string]*huma.Param{unsignedHeader: {Description: "How many blocks in it gateways have not signed yet.", Schema: &huma.Schema{Type: huma.TypeInteger}}}}}
	huma.Register(api, op, func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"64" doc:"The shipment."`
		Wait int    `query:"wait" minimum:"0" maximum:"20" doc:"For how many seconds to wait for gateways to sign their newest blocks."`
		Docs bool   `query:"documents" default:"true" doc:"false: leave out what people attached to excursions; the file says so, and has its hashes."`
	}) (*huma.StreamResponse, error) {
		b, err := e.ExportWith(ctx, in.ID, evidence.Wanted{Wait: time.Duration(in.Wait) * time.Second, WithoutDocuments: !in.Docs})
		switch {
		case errors.Is(err, evidence.ErrNotFound):
			return nil, failAt(notFound, "path", "/id", in.ID, "%v", err)
		case errors.Is(err, evidence.ErrBusy):
			return nil, fail(busy, "%v; ask again in a few seconds", err)
		case err != nil:
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer b.Close()
			hc.SetHeader("Content-Type", "application/zip")
			hc.SetHeader("Content-Length", strconv.FormatInt(b.Size, 10))
			hc.SetHeader("Content-Disposition", `attachment; filename="evidence-`+in.ID+`.zip"`)
			unsigned := uint64(0)
			for _, u := range b.Unsigned {
				unsigned += u.Last - u.First + 1
			}
			hc.SetHeader(unsignedHeader, strconv.FormatUint(unsigned, 10))
			if _, err := b.WriteTo(patient{hc.BodyWriter()}); err != nil {
				if l := callOf(ctx).log; l != nil && ctx.Err() == nil {
					l.Error("evidence was cut short", "shipment", in.ID, "error", err)
				}
				panic(http.ErrAbortHandler) // an answer cut short must not look whole
			}
		}}, nil
	})
}

func registerLog(api huma.API, l EvidenceLog) {
	op := tagged(operation(http.MethodGet, "/evidence/entries/{bundle}", "read-log", Read,
		"Read entries of the evidence log, 256 at a time"), "evidence")
	op.Description = "Entries are domain events, heads of gateways' chains and keys. A bundle is written as c2sp.org/tlog-tiles asks: for each entry its length, two bytes, big-endian, and its bytes. " +
		"The hashes over them are under /log, for everybody."
	op.Responses = map[string]*huma.Response{"200": {Description: "The entries", Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}}
	huma.Register(api, op, func(ctx context.Context, in *struct {
		Bundle uint64 `path:"bundle" maximum:"1099511627775" doc:"Number of the bundle, from 0: it has the entries 256·bundle and on."`
	}) (*struct {
		Type string `header:"Content-Type"`
		Body []byte
	}, error) {
		b, err := l.Bundle(ctx, in.Bundle)
		if errors.Is(err, ledger.ErrNoBundle) {
			return nil, failAt(notFound, "path", "/bundle", strconv.FormatUint(in.Bundle, 10), "%v", err)
		}
		if err != nil {
			return nil, err
		}
		return &struct {
			Type string `header:"Content-Type"`
			Body []byte
		}{"application/octet-stream", b}, nil
	})
}

// patient gives each piece of a long answer its own time to be taken.
type patient struct{ w io.Writer }

func (p patient) Write(b []byte) (int, error) {
	if w, ok := p.w.(http.ResponseWriter); ok {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWithin))
	}
	return p.w.Write(b)
}
