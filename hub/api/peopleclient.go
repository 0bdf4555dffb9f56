package api

import (
	"context"
	"net/url"
	"strconv"

	"frostline/hub/people"
)

// People gives everybody who was ever entered, in order of their ids.
func (c *Client) People(ctx context.Context) (out []people.Person, err error) {
	return out, c.call(ctx, "GET", "/v1/people", nil, &out)
}

// AddPerson enters a person.
func (c *Client) AddPerson(ctx context.Context, p NewPerson) (out people.Person, err error) {
	return out, c.call(ctx, "POST", "/v1/people", p, &out)
}

// ChangePerson changes one thing of a person: "roles", "password", "disable"
// or "enable".
func (c *Client) ChangePerson(ctx context.Context, id, what string, to PersonChange) (out people.Person, err error) {
	return out, c.call(ctx, "POST", "/v1/people/"+url.PathEscape(id)+"/"+what, to, &out)
}

// PeopleTrail gives who changed whom, after an entry.
func (c *Client) PeopleTrail(ctx context.Context, after int64) (out []people.Change, err error) {
	return out, c.call(ctx, "GET", "/v1/people-trail?after="+strconv.FormatInt(after, 10), nil, &out)
}

// NewLink makes a link to the pages that is good once. It is told this once.
func (c *Client) NewLink(ctx context.Context, l NewLink) (out Link, err error) {
	return out, c.call(ctx, "POST", "/v1/links", l, &out)
}

// Tokens gives every token that was ever made, without its secret.
func (c *Client) Tokens(ctx context.Context) (out []people.Token, err error) {
	return out, c.call(ctx, "GET", "/v1/tokens", nil, &out)
}

// NewToken makes a token. Its secret is told this once.
func (c *Client) NewToken(ctx context.Context, t NewToken) (out Token, err error) {
	return out, c.call(ctx, "POST", "/v1/tokens", t, &out)
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id, reason string) (out people.Token, err error) {
	return out, c.call(ctx, "POST", "/v1/tokens/"+url.PathEscape(id)+"/revoke", PersonChange{Reason: reason}, &out)
}
