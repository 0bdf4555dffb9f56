package rest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

func init() {
	// These are settings of huma as a whole; nobody else in the hub uses it.
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return problemFrom(nil, status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := problemFrom(ctx.Operation(), status, msg, errs)
		if p.kind == stale && ctx.Header("If-Match") == "" {
			// Without a precondition it is another's change that came between.
			p.kind, p.Type, p.Title, p.Status = conflict, urn+conflict.name, conflict.title, conflict.status
		}
		return p
	}
}

// problemFrom makes a problem of what huma found, or of an error that an
// operation returned, which huma hands over as a 500.
func problemFrom(op *huma.Operation, status int, msg string, errs []error) *Problem {
	if status == http.StatusInternalServerError && len(errs) == 1 {
		return problemOf(op, errs[0])
	}
	k := broken
	for _, known := range kinds {
		if known.status == status {
			k = known
		}
	}
	p := fail(k, "%s", msg)
	if k == broken {
		p.Status, p.cause = max(status, 500), fmt.Errorf("%s: %v", msg, errs)
		return p
	}
	for _, err := range errs {
		d, ok := err.(huma.ErrorDetailer)
		if !ok {
			p.Errors = append(p.Errors, Fault{In: "body", Detail: short(err.Error())})
			continue
		}
		p.Errors = append(p.Errors, faultOf(d.ErrorDetail()))
	}
	if len(p.Errors) > maxFaults {
		p.Errors = p.Errors[:maxFaults]
	}
	if len(p.Errors) > 0 {
		f := p.Errors[0]
		p.Detail = strings.TrimSuffix(f.In+" "+f.Pointer, " ") + ": " + f.Detail
	}
	return p
}

const (
	maxFaults = 20  // told at once
	maxShown  = 120 // bytes of a value or message that are told
)

// faultOf translates what huma found: a location such as body.lines[3].gtin.
func faultOf(d *huma.ErrorDetail) Fault {
	in, path, _ := strings.Cut(d.Location, ".")
	if i := strings.IndexByte(in, '['); i >= 0 {
		in, path = in[:i], in[i:]+"."+path
	}
	switch in {
	case "body", "path", "query", "header":
	default:
		in = "body"
	}
	f := Fault{In: in, Pointer: pointer(path), Detail: plain(d.Message)}
	switch v := d.Value.(type) {
	case nil, map[string]any, []any:
	default:
		if f.Pointer != "" {
			f.Value = shown(f.Pointer, fmt.Sprint(v))
		}
	}
	return f
}

// pointer makes a JSON pointer of a.b[3].c.
func pointer(path string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		b.WriteByte('/')
		b.WriteString(escape(part))
	}
	return short(b.String())
}

var goType = regexp.MustCompile(`(json: )?cannot unmarshal (\S+) into Go struct field \S+ of type \S+`)

// plain takes what is of Go out of a message.
func plain(s string) string {
	return short(goType.ReplaceAllString(s, "a $2 is not wanted here, or does not fit"))
}

// short bounds a text, on a border of characters.
func short(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

var secret = regexp.MustCompile(`(?i)password|secret|token|authorization|proof`)

// shown is a value as it may be told back.
func shown(pointer, value string) string {
	if secret.MatchString(pointer) {
		return ""
	}
	return short(strings.ToValidUTF8(value, "\uFFFD"))
}

var firstWord = regexp.MustCompile(`^([a-z][A-Za-z0-9]*(?:\.(?:[a-z][A-Za-z0-9]*|[0-9]+))*)[ :]`)

// named adds the place of the fault where the detail begins with the name of a
// field of the body or of a parameter, as our checks do.
func (p *Problem) named(op *huma.Operation) *Problem {
	if op == nil || p.Status < 400 || p.Status >= 500 || len(p.Errors) > 0 {
		return p
	}
	m := firstWord.FindStringSubmatch(p.Detail)
	if m == nil {
		return p
	}
	name, _, _ := strings.Cut(m[1], ".")
	for _, param := range op.Parameters {
		if param.Name == name {
			p.Errors = []Fault{{In: param.In, Pointer: "/" + name, Detail: p.Detail}}
			return p
		}
	}
	if fields, _ := op.Metadata[fieldsKey].(map[string]bool); fields[name] {
		p.Errors = []Fault{{In: "body", Pointer: pointer(m[1]), Detail: p.Detail}}
	}
	return p
}

// fieldsKey is where an operation keeps the names in its body.
const fieldsKey = "fields"

// keepFields notes the names that an operation's body can have at its top.
func keepFields(op *huma.Operation, registry huma.Registry) {
	fields := map[string]bool{}
	if op.RequestBody != nil {
		for _, content := range op.RequestBody.Content {
			s := content.Schema
			if s != nil && s.Ref != "" {
				s = registry.SchemaFromRef(s.Ref)
			}
			if s == nil {
				continue
			}
			for name := range s.Properties {
				fields[name] = true
			}
		}
	}
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[fieldsKey] = fields
}
