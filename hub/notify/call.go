package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

// Call makes a request that is no webhook, with the guards of one, and gives
// what was answered: its status, how long the receiver asked to be left alone
// for, and its body, cut at 64 KiB. With a secret it is signed as by Post. An
// error means that there was no answer.
func (p *Poster) Call(ctx context.Context, method, url, id string, secret, body []byte, header http.Header, now time.Time) (status int, pause time.Duration, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, 0, nil, fmt.Errorf("call: %w", err)
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("User-Agent", "frostline-hub")
	if len(secret) > 0 {
		at := strconv.FormatInt(now.Unix(), 10)
		req.Header.Set("webhook-id", id)
		req.Header.Set("webhook-timestamp", at)
		req.Header.Set("webhook-signature", sign([][]byte{secret}, id, at, string(body)))
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("call: %w", err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(io.LimitReader(res.Body, mostAnswer)); err != nil {
		return 0, 0, nil, fmt.Errorf("call: read the answer: %w", err)
	}
	if s, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && s > 0 && s < 1<<20 {
		pause = time.Duration(s) * time.Second
	}
	return res.StatusCode, pause, answer, nil
}
