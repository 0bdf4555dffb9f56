package binding

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"frostline/hub/trace/repository"
)

const (
	defaultPage = 30
	maxPage     = 1000
	tokenLife   = 24 * time.Hour
)

// token is what a nextPageToken says. It needs no secret: who makes one up sees
// what they may see anyway.
type token struct {
	Of      string               `json:"o"` // digest of what was asked
	Expires int64                `json:"e"` // Unix seconds
	Events  *repository.Position `json:"p,omitempty"`
	After   string               `json:"a,omitempty"` // of lists: the last one given
}

// page is what a request says of paging.
type page struct {
	size  int
	token *token
	of    string
}

// readPage takes the parameters of paging out of a query.
func (b *Binding) readPage(r *http.Request, values url.Values) (page, error) {
	p := page{size: defaultPage, of: asked(r, values)}
	if v := values.Get("perPage"); values.Has("perPage") {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return p, fail(badParameter, "perPage %q: want a number from 1 to %d", short(v), maxPage)
		}
		p.size = min(n, maxPage)
	}
	if v := values.Get("nextPageToken"); values.Has("nextPageToken") {
		t := &token{}
		raw, err := base64.RawURLEncoding.DecodeString(v)
		if err != nil || json.Unmarshal(raw, t) != nil || t.Of != p.of {
			return p, fail(badParameter, "nextPageToken: it is not one of this request; follow the header Link as it is")
		}
		if b.Now().Unix() > t.Expires {
			return p, fail(badParameter, "nextPageToken: it has expired; ask for the first page again")
		}
		p.token = t
	}
	values.Del("perPage")
	values.Del("nextPageToken")
	return p, nil
}

// asked is a digest of what is asked for, whatever page of it.
func asked(r *http.Request, values url.Values) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", r.URL.Path)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != "perPage" && name != "nextPageToken" {
			fmt.Fprintf(h, "%q %q\n", name, values[name])
		}
	}
	fmt.Fprintf(h, "%q", r.Header.Values("GS1-Extensions"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

// link tells where the next page is.
func (b *Binding) link(w http.ResponseWriter, r *http.Request, p page, next token) {
	expires := b.Now().Add(tokenLife)
	next.Of, next.Expires = p.of, expires.Unix()
	raw, err := json.Marshal(next)
	if err != nil {
		return
	}
	q := r.URL.Query()
	q.Set("nextPageToken", base64.RawURLEncoding.EncodeToString(raw))
	q.Set("perPage", strconv.Itoa(p.size))
	w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), q.Encode()))
	w.Header().Set("GS1-Next-Page-Token-Expires", expires.UTC().Format(time.RFC3339))
}

// releaseToken answers who is done with a token: nothing is kept for it.
func (b *Binding) releaseToken(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
