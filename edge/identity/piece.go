package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frostline/proto/release"
)

// Pieces gets releases from the hub's enrolment listener, showing the gateway's
// certificate. It is safe for concurrent use.
type Pieces struct {
	identity *Identity
	client   http.Client
}

// pieceTimeout bounds one piece: 16 KiB take 13 s at 10 kbit/s.
const pieceTimeout = 30 * time.Second

// Pieces makes a source of releases. One connection serves one piece after the
// other; a new one shows the certificate of its time.
func (i *Identity) Pieces() *Pieces {
	p := &Pieces{identity: i}
	p.client = http.Client{
		Transport: &http.Transport{
			DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c := i.get()
				if c == nil {
					return nil, ErrNotEnrolled
				}
				host, _, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return (&tls.Dialer{Config: i.tls(host, c, c.hubCA)}).DialContext(ctx, network, address)
			},
			MaxIdleConns: 1, MaxConnsPerHost: 1, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// Piece reads up to len(into) bytes of a packed program of a release, named by
// its SHA-256, from an offset on. It gives 0 where there is nothing beyond that.
func (p *Pieces) Piece(ctx context.Context, sha256 string, from int64, into []byte) (int, error) {
	c := p.identity.get()
	if c == nil {
		return 0, ErrNotEnrolled
	}
	base, err := hubAddress(c.settings.Hub)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, pieceTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(release.Path, sha256).String(), nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+int64(len(into))-1))
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusRequestedRangeNotSatisfiable:
		return 0, nil
	default:
		word, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // only to be shown
		return 0, fmt.Errorf("the hub answers %s: %s", resp.Status, strings.TrimSpace(string(word)))
	}
	if want := "bytes " + strconv.FormatInt(from, 10) + "-"; !strings.HasPrefix(resp.Header.Get("Content-Range"), want) {
		return 0, fmt.Errorf("the hub answers with %q, and %s… was asked for", resp.Header.Get("Content-Range"), want)
	}
	n, err := io.ReadFull(resp.Body, into)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil // shorter than asked for: the end, or a connection that was cut
	}
	return n, err
}
