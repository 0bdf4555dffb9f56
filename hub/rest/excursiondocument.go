package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/excursion"
)

// documentWithin is the time for a document to be sent.
const documentWithin = 2 * time.Minute

// documentForm bounds what is in a form besides the document, bytes.
const documentForm = 16 << 10

type documentInput struct {
	ExcursionStep
	ContentType string `header:"Content-Type" maxLength:"200" doc:"multipart/form-data with its boundary."`
	RawBody     []byte `contentType:"multipart/form-data" required:"true"`
}

// DocumentPath names a document of an excursion.
type DocumentPath struct {
	ExcursionPath
	SHA256 string `path:"sha256" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"Of its bytes, hex."`
}

type documentReply struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Policy      string `header:"Content-Security-Policy"`
	Sniff       string `header:"X-Content-Type-Options"`
	Cache       string `header:"Cache-Control"`
	Body        []byte
}

// registerDocuments registers documents that the hub keeps with an excursion:
// given with a comment, and read through that excursion alone.
func registerDocuments(api huma.API, x Excursions, op func(method, path, id string, scope Scope, summary string) huma.Operation) {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	put := limits(op(http.MethodPost, "/{id}/documents", "attach-to-excursion", Write, "Give a document to the hub, with a comment"), excursion.MaxDocument+documentForm, documentWithin)
	put.Description = "A form with two parts: text, the comment, of 1 to 500 bytes; and document, a file of at most 8 MiB with its name. " +
		"The document is kept under its SHA-256 in the transaction of the comment, and goes into the evidence of the shipment."
	put.SkipValidateBody = true // it is read here
	least, most := 1, 500
	put.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"text", "document"}, Properties: map[string]*huma.Schema{
			"text": {Type: huma.TypeString, MinLength: &least, MaxLength: &most, Description: "The comment."}, "document": binary,
		},
	}}}}
	huma.Register(api, put, func(ctx context.Context, in *documentInput) (*excursionReply, error) {
		by, err := in.by(ctx, "")
		if err != nil {
			return nil, err
		}
		text, doc, err := readDocument(in.ContentType, in.RawBody)
		if err != nil {
			return nil, failAt(unacceptable, "body", "", "", "%v", err)
		}
		return excursionOf(x.Attach(ctx, by, text, []excursion.Upload{doc}))
	})
	get := op(http.MethodGet, "/{id}/documents/{sha256}", "get-excursion-document", Read, "Give a document that was attached to an excursion, as it was given")
	get.Description = "Its type is what its bytes begin like, and application/octet-stream for whatever is no picture, PDF or plain text. Anybody may have made it: it is to be saved, and not to be run."
	get.BodyReadTimeout += documentWithin // an answer may take as much longer
	content := map[string]*huma.MediaType{}
	for _, media := range []string{"application/octet-stream", "application/pdf", "image/jpeg", "image/png", "image/webp", "text/plain"} {
		content[media] = &huma.MediaType{Schema: binary}
	}
	get.Responses = map[string]*huma.Response{"200": {Description: "The document", Content: content}}
	huma.Register(api, get, func(ctx context.Context, in *DocumentPath) (*documentReply, error) {
		d, body, err := x.Document(ctx, in.ID, in.SHA256)
		if err != nil {
			return nil, err
		}
		return &documentReply{Type: excursion.Media(body), Disposition: `attachment; filename*=UTF-8''` + url.PathEscape(d.Name),
			Policy: "default-src 'none'; sandbox", Sniff: "nosniff", Cache: "no-store", Body: body}, nil
	})
}

// readDocument reads a form of a comment and a document, each once and nothing
// else.
func readDocument(contentType string, body []byte) (text string, doc excursion.Upload, err error) {
	none := func(why string) (string, excursion.Upload, error) {
		return "", excursion.Upload{}, errors.New("body: " + why + "; want a form with the parts text and document, each once")
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return none("its Content-Type names no boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	seen := map[string]bool{}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return none("it is no form, or was cut short")
		}
		name := part.FormName()
		if seen[name] || name != "text" && name != "document" {
			return none("another part, or one that comes twice")
		}
		seen[name] = true
		data, err := io.ReadAll(part) // no more than the body, which is bounded
		if err != nil {
			return none("it was cut short")
		}
		if name == "text" {
			text = strings.TrimSpace(string(data))
			continue
		}
		doc = excursion.Upload{Name: part.FileName(), Body: data}
	}
	switch {
	case !seen["text"] || !seen["document"]:
		return none("a part is missing")
	case !utf8.ValidString(text):
		return none("text is not UTF-8")
	case doc.Name == "":
		return none("the document has no file name")
	}
	return text, doc, nil
}
