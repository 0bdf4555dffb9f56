package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frostline/hub/durable"
)

// hook sends to one webhook. It is safe for concurrent use.
type hook struct {
	config  Webhook
	secrets [][]byte
	client  *http.Client
}

func newHook(w Webhook) (*hook, error) {
	h := &hook{config: w}
	for _, path := range w.SecretFiles {
		text, err := durable.ReadSecret(path)
		if err != nil {
			return nil, fmt.Errorf("secret-files: %w", err)
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("secret-files: %s: want whsec_ and base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)", path)
		}
		h.secrets = append(h.secrets, key)
	}
	tls, err := tlsConfig("", w.CAFile)
	if err != nil {
		return nil, err
	}
	h.client = &http.Client{
		Timeout: w.Timeout, CheckRedirect: noRedirect,
		Transport: &http.Transport{
			DialContext: dialer(w.Private), TLSClientConfig: tls, TLSHandshakeTimeout: w.Timeout, ResponseHeaderTimeout: w.Timeout,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
	}
	return h, nil
}

// send gives nil when the receiver has answered with a 2xx.
func (h *hook) send(ctx context.Context, d Delivery, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.config.URL, strings.NewReader(d.Body))
	if err != nil {
		return refusal{err}
	}
	at := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("User-Agent", "frostline-hub")
	req.Header.Set("webhook-id", d.ID)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", sign(h.secrets, d.ID, at, d.Body))
	res, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 200)) // for the message alone
	if res.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("webhook: answered %s: %s", res.Status, line(string(answer)))
	switch {
	case res.StatusCode/100 == 3:
		return refusal{fmt.Errorf("%w (redirects are not followed: configure the new url)", err)}
	case res.StatusCode == http.StatusGone:
		return refusal{err}
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		if s, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && s > 0 && s < 1<<20 {
			return later{err, time.Duration(s) * time.Second}
		}
	}
	return err
}

// sign gives webhook-signature: one signature for each secret.
func sign(secrets [][]byte, id, at, body string) string {
	var all []string
	for _, key := range secrets {
		m := hmac.New(sha256.New, key)
		io.WriteString(m, id+"."+at+"."+body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// Verify checks a delivery as a receiver does: that one of its signatures is by
// the secret, and that the timestamp lies within five minutes of now.
func Verify(secret []byte, header http.Header, body []byte, now time.Time) error {
	if header.Get("webhook-id") == "" {
		return errors.New("webhook-id is missing")
	}
	at, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return errors.New("webhook-timestamp is missing or too far from now")
	}
	want := sign([][]byte{secret}, header.Get("webhook-id"), header.Get("webhook-timestamp"), string(body))
	for _, s := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(s), []byte(want)) {
			return nil
		}
	}
	return errors.New("no signature is by this secret")
}
