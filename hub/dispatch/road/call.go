package road

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	maxReply       = 64 << 20
)

// Remote is an engine by URL.
type Remote struct {
	URL      string            // base, such as http://osrm.example:5000
	Profiles map[Kind]string   // the engine's name for each kind; a kind that is not there is refused
	Header   map[string]string // sent along, such as an authorisation
	Client   *http.Client      // nil: one of its own without redirects
	Timeout  time.Duration     // of one call; 0: ten seconds
	MaxTable int               // points of one call to a table; 0: 100, OSRM's default limit
}

// Validate says what is wrong with the configuration.
func (r *Remote) Validate() error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("url %q: give one that begins with http:// or https:// and a host", r.URL)
	}
	if r.Timeout < 0 || r.MaxTable < 0 || r.MaxTable == 1 {
		return fmt.Errorf("timeout %s, max table %d: give none, or a positive time and at least 2 points", r.Timeout, r.MaxTable)
	}
	return nil
}

func (r *Remote) profile(kind Kind) (string, error) {
	p, ok := r.Profiles[kind]
	if !ok || p == "" {
		return "", fmt.Errorf("kind %q: the engine at %s has no profile for it", kind, r.host())
	}
	return url.PathEscape(p), nil
}

func (r *Remote) host() string {
	if u, err := url.Parse(r.URL); err == nil {
		return u.Host
	}
	return "?"
}

var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// call asks the engine, by GET where there is nothing to post. The answer is decoded whatever the
// status, since engines explain themselves in it.
func (r *Remote) call(ctx context.Context, path string, post, answer any) (status int, err error) {
	if err := r.Validate(); err != nil {
		return 0, err
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	method, body := http.MethodGet, io.Reader(nil)
	if post != nil {
		b, err := json.Marshal(post)
		if err != nil {
			return 0, err
		}
		method, body = http.MethodPost, bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(r.URL, "/")+path, body)
	if err != nil {
		return 0, err
	}
	if post != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	client := r.Client
	if client == nil {
		client = direct
	}
	res, err := client.Do(req)
	if err != nil {
		if u, ok := err.(*url.Error); ok {
			err = u.Err // the address holds positions, which stay out of logs
		}
		return 0, fmt.Errorf("%s: %w", r.host(), err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return res.StatusCode, fmt.Errorf("%s: reply: %w", r.host(), err)
	}
	if len(text) > maxReply {
		return res.StatusCode, fmt.Errorf("%s: reply of more than %d bytes", r.host(), maxReply)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return res.StatusCode, fmt.Errorf("%s: status %d: reply is not what it should be: %w", r.host(), res.StatusCode, err)
	}
	return res.StatusCode, nil
}

// blocks asks for a table in pieces that the engine takes, and puts them
// together.
func (r *Remote) blocks(n int, ask func(from, to []int) (seconds, metres [][]*float64, err error)) (*Table, error) {
	size := r.MaxTable
	if size == 0 {
		size = 100
	}
	step := n
	if n > size {
		step = size / 2
	}
	t := &Table{Low: 1, High: 1}
	for range n {
		t.Seconds, t.Metres = append(t.Seconds, make([]int32, n)), append(t.Metres, make([]int32, n))
	}
	for a := 0; a < n; a += step {
		for b := 0; b < n; b += step {
			from, to := between(a, min(a+step, n)), between(b, min(b+step, n))
			s, m, err := ask(from, to)
			if err != nil {
				return nil, err
			}
			if len(s) != len(from) || len(m) != len(from) {
				return nil, fmt.Errorf("%s: table of %d and %d rows for %d points", r.host(), len(s), len(m), len(from))
			}
			for i := range from {
				if len(s[i]) != len(to) || len(m[i]) != len(to) {
					return nil, fmt.Errorf("%s: row of %d and %d cells for %d points", r.host(), len(s[i]), len(m[i]), len(to))
				}
				for j := range to {
					if err := t.set(from[i], to[j], s[i][j], m[i][j]); err != nil {
						return nil, fmt.Errorf("%s: %w", r.host(), err)
					}
				}
			}
		}
	}
	return t, nil
}

func between(a, b int) (list []int) {
	for ; a < b; a++ {
		list = append(list, a)
	}
	return list
}

func (t *Table) set(i, j int, seconds, metres *float64) error {
	if seconds == nil || metres == nil {
		t.Seconds[i][j], t.Metres[i][j] = Far, Far
		t.Unreachable = append(t.Unreachable, [2]int{i, j})
		return nil
	}
	if !(*seconds >= 0 && *seconds < Far && *metres >= 0 && *metres < Far) {
		return fmt.Errorf("from %d to %d: %g s, %g m: no way on the earth is such", i, j, *seconds, *metres)
	}
	t.Seconds[i][j], t.Metres[i][j] = int32(*seconds+0.999), int32(*metres+0.5)
	return nil
}
