package binding

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"frostline/hub/store"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
	"frostline/hub/trace/subscription"
)

// Problem is an error as RFC 9457 has it.
type Problem struct {
	XMLName  xml.Name    `json:"-" xml:"urn:epcglobal:epcis:xsd:2 EPCISException"`
	Type     string      `json:"type" xml:"type"`
	Title    string      `json:"title" xml:"title"`
	Status   int         `json:"status" xml:"status"`
	Detail   string      `json:"detail,omitempty" xml:"detail,omitempty"`
	Instance string      `json:"instance,omitempty" xml:"instance,omitempty"`
	Errors   []fault     `json:"errors,omitempty" xml:"errors>error,omitempty"`
	header   [][2]string // that goes with it
	cause    error
}

// fault is one thing that is wrong with a document.
type fault struct {
	Pointer string `json:"pointer" xml:"pointer"`
	Detail  string `json:"detail" xml:"detail"`
}

func (p *Problem) Error() string { return p.Detail }

// Kinds of problems: the name of the exception, its title and its status.
type kind struct {
	name, title string
	status      int
}

var (
	invalid        = kind{"ValidationException", "the document is not valid", http.StatusBadRequest}
	badParameter   = kind{"QueryParameterException", "the query is not one", http.StatusBadRequest}
	badQuery       = kind{"QueryValidationException", "the query is not one", http.StatusBadRequest}
	badControls    = kind{"SubscriptionControlsException", "the subscription is not one", http.StatusBadRequest}
	unauthorized   = kind{"SecurityException", "a valid token is missing", http.StatusUnauthorized}
	forbidden      = kind{"SecurityException", "the token does not allow this", http.StatusForbidden}
	noSuchName     = kind{"NoSuchNameException", "not found", http.StatusNotFound}
	badMethod      = kind{"ImplementationException", "method not allowed here", http.StatusMethodNotAllowed}
	notAcceptable  = kind{"NotAcceptableException", "it cannot be answered as asked for", http.StatusNotAcceptable}
	slow           = kind{"ImplementationException", "the request came too slowly", http.StatusRequestTimeout}
	exists         = kind{"ResourceAlreadyExistsException", "it exists already", http.StatusConflict}
	captureLimit   = kind{"CaptureLimitExceededException", "the capture is too large", http.StatusRequestEntityTooLarge}
	tooComplex     = kind{"QueryTooComplexException", "the query is too complex", http.StatusRequestEntityTooLarge}
	tooLarge       = kind{"QueryTooLargeException", "the result is too large", http.StatusRequestEntityTooLarge}
	uriTooLong     = kind{"URITooLongException", "the address is too long", http.StatusRequestURITooLong}
	badMedia       = kind{"UnsupportedMediaTypeException", "the format is not supported", http.StatusUnsupportedMediaType}
	tooMany        = kind{"ImplementationException", "too many requests", http.StatusTooManyRequests}
	broken         = kind{"ImplementationException", "the hub could not do it", http.StatusInternalServerError}
	notImplemented = kind{"ImplementationException", "not supported", http.StatusNotImplemented}
	busy           = kind{"ImplementationException", "the hub is busy", http.StatusServiceUnavailable}
)

func fail(k kind, format string, args ...any) *Problem {
	return &Problem{Type: "epcisException:" + k.name, Title: k.title, Status: k.status, Detail: fmt.Sprintf(format, args...)}
}

// with adds a header to a problem.
func (p *Problem) with(name, value string) *Problem {
	p.header = append(p.header, [2]string{name, value})
	return p
}

// problemOf says what an error is to the caller.
func problemOf(err error) *Problem {
	var p *Problem
	var syntax *epcis.SyntaxError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &large), errors.Is(err, epcis.ErrTooLarge), errors.Is(err, repository.ErrTooLarge):
		return limited(fail(captureLimit, "%v; at most %d events and %d bytes are taken at once", err, repository.MaxEvents, maxBody))
	case errors.As(err, &syntax):
		p := fail(invalid, "%v", err)
		p.Errors = []fault{{syntax.Pointer, syntax.Message}}
		return p
	case errors.Is(err, epcis.ErrMediaType):
		return fail(badMedia, "%v", err)
	case errors.Is(err, repository.ErrParameter):
		return fail(badParameter, "%v", err)
	case errors.Is(err, repository.ErrTooComplex):
		return fail(tooComplex, "%v", err)
	case errors.Is(err, repository.ErrTooMany):
		return fail(tooLarge, "%v", err)
	case errors.Is(err, repository.ErrNotFound), errors.Is(err, subscription.ErrNotFound):
		return fail(noSuchName, "%v", err)
	case errors.Is(err, subscription.ErrExists):
		return fail(exists, "%v", err)
	case errors.Is(err, subscription.ErrControls):
		return fail(badControls, "%v", err)
	case errors.Is(err, subscription.ErrInvalid):
		return fail(badQuery, "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		p := fail(busy, "the hub did not get to it in time; ask again in a moment").with("Retry-After", "2")
		p.cause = err
		return p
	case errors.Is(err, store.ErrUnknown), store.Unwell(err), errors.Is(err, store.ErrClosed):
		p := fail(busy, "the hub's store cannot take it now; send it again in a moment: what was captured already has no effect").with("Retry-After", "5")
		p.cause = err
		return p
	}
	p = fail(broken, "the hub could not do it; its log says why")
	p.cause = err
	return p
}

// limited adds what the limits of a capture are.
func limited(p *Problem) *Problem {
	return p.with("GS1-EPCIS-Capture-Limit", fmt.Sprint(repository.MaxEvents)).with("GS1-EPCIS-Capture-File-Size-Limit", fmt.Sprint(maxBody))
}

// write answers with the problem, in JSON, or in XML to who takes only that.
func (p *Problem) write(w http.ResponseWriter, asXML bool) {
	h := w.Header()
	for _, one := range p.header {
		h.Set(one[0], one[1])
	}
	var body []byte
	var err error
	if asXML {
		h.Set("Content-Type", "application/problem+xml")
		body, err = xml.Marshal(p)
	} else {
		h.Set("Content-Type", "application/problem+json")
		body, err = json.Marshal(p)
	}
	if err != nil {
		body = nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}
