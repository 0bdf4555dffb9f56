package rest

import (
	"strconv"
	"strings"
)

// Precondition lets a change be made only to the version that the caller has
// seen; embed it in the input.
type Precondition struct {
	IfMatch string `header:"If-Match" maxLength:"32" doc:"The ETag of what the caller has seen. Without it, or with *, whatever is there is changed."`
}

// expect gives the version that is expected, or -1 for any.
func (p *Precondition) expect() (int64, error) {
	switch p.IfMatch {
	case "", "*":
		return -1, nil
	}
	s, ok := strings.CutPrefix(p.IfMatch, `"v`)
	if ok {
		s, ok = strings.CutSuffix(s, `"`)
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if !ok || err != nil || v < 0 || etag(v) != p.IfMatch {
		return 0, failAt(unacceptable, "header", "/If-Match", p.IfMatch, `If-Match %q: want the ETag of an earlier answer, such as "v3", or *`, short(p.IfMatch))
	}
	return v, nil
}

// etag is the entity tag of a version.
func etag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }
