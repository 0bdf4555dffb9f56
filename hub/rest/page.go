package rest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Paging is what an operation that lists takes; embed it in its input.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to give at most."`
	Page  string `query:"page" maxLength:"1024" pattern:"^[A-Za-z0-9_-]*$" doc:"The nextPage of the answer before, with the same other parameters."`
}

// List is one page of a list.
type List[T any] struct {
	Items    []T    `json:"items" doc:"In an order that stays."`
	NextPage string `json:"nextPage,omitempty" doc:"Pass it as page for those that follow; absent on the last page."`
}

// listReply answers with a page.
type listReply[T any] struct {
	Body List[T]
}

// after gives the key that the page follows; "" is the first page. The error
// says that the token is not one of ours for this list.
func (p *Paging) after(ctx context.Context) (string, error) {
	if p.Page == "" {
		return "", nil
	}
	c := callOf(ctx)
	after, ok := c.openPage(p.Page)
	if !ok {
		return "", failAt(unacceptable, "query", "/page", p.Page, "page %q: want the nextPage of an answer to the same request; leave it out for the first page", short(p.Page))
	}
	return after, nil
}

// paged makes the answer of a list of which one more than limit was read, if
// there is one. key is what the next page follows.
func paged[T any](ctx context.Context, read []T, limit int, key func(T) string) *listReply[T] {
	out := &listReply[T]{}
	if len(read) > limit {
		read = read[:limit]
		out.Body.NextPage = callOf(ctx).sealPage(key(read[limit-1]))
	}
	out.Body.Items = read
	if read == nil {
		out.Body.Items = []T{}
	}
	return out
}

const pageTag = 16 // bytes of the authentication tag

// sealPage makes a page token: the key that it follows, authenticated together
// with the operation and all other parameters.
func (c *call) sealPage(after string) string {
	return base64.RawURLEncoding.EncodeToString(append(c.pageTag(after), after...))
}

// openPage gives what sealPage was given for the same list.
func (c *call) openPage(token string) (after string, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < pageTag {
		return "", false
	}
	after = string(b[pageTag:])
	return after, hmac.Equal(b[:pageTag], c.pageTag(after))
}

func (c *call) pageTag(after string) []byte {
	h := hmac.New(sha256.New, c.pageKey)
	for _, s := range []string{c.operation, c.filter, after} {
		h.Write([]byte{byte(len(s) >> 24), byte(len(s) >> 16), byte(len(s) >> 8), byte(len(s))})
		h.Write([]byte(s))
	}
	return h.Sum(nil)[:pageTag]
}
