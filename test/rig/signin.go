package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

var formToken = regexp.MustCompile(`name="form" value="([^"]+)"`)

// SignIn uses a link to a hub's pages, such as frostline user invite prints with
// --id and --name, and gives a client that is signed in by it, and the address of
// the pages without a slash at the end.
func SignIn(ctx context.Context, link string) (client *http.Client, origin string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, "", err
	}
	client = &http.Client{Jar: jar}
	u, err := url.Parse(link)
	if err != nil {
		return nil, "", err
	}
	page, err := signinStep(ctx, client, http.MethodGet, link, "")
	if err != nil {
		return nil, "", err
	}
	token := formToken.FindStringSubmatch(page)
	if token == nil {
		return nil, "", fmt.Errorf("link %s: its page has no form", link)
	}
	if _, err := signinStep(ctx, client, http.MethodPost, link, url.Values{"form": {token[1]}}.Encode()); err != nil {
		return nil, "", err
	}
	return client, u.Scheme + "://" + u.Host, nil
}

// signinStep loads or sends a page, and follows where it leads.
func signinStep(ctx context.Context, client *http.Client, method, link, form string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, link, strings.NewReader(form))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, link, resp.Status)
	}
	return string(b), err
}
