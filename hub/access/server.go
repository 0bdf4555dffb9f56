package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"frostline/proto/enrol"
)

// Bounds of the enrolment listener.
const (
	serverTimeout     = 15 * time.Second
	serverConnections = 256
	// One address may ask every six seconds, and twenty times in a row: a site
	// of gateways behind one address enrols in a minute or two.
	askInterval  = 6 * time.Second
	askBurst     = 20
	askAddresses = 4096
)

// BrokerTLS is for an MQTT listener whose clients are gateways.
func (ca *CA) BrokerTLS(server *Own) *tls.Config {
	c := ca.serverTLS(server)
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = ca.Pool()
	return c
}

func (ca *CA) serverTLS(server *Own) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		Time:           ca.now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return server.Get() },
	}
}

// ClientTLS is for the hub as client of an external broker whose certificate
// this authority issued.
func (ca *CA) ClientTLS(client *Own) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		Time:                 ca.now,
		RootCAs:              ca.Pool(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return client.Get() },
	}
}

// Server is the enrolment listener: it answers enrol.CertificatePath and
// enrol.RenewPath and, to gateways that show a certificate that is good, what it
// was given for them.
type Server struct {
	registrar *Registrar
	own       *Own
	log       *slog.Logger
	asks      *rates
	gateways  map[string]http.Handler // by path
}

// ForGateways has requests under a path answered for gateways that are admitted,
// by the certificate that they show. It is called before Serve.
func (s *Server) ForGateways(path string, h http.Handler) {
	if s.gateways == nil {
		s.gateways = map[string]http.Handler{}
	}
	s.gateways[path] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.admitted(r); err != nil {
			s.registrar.counts.refused.Add(1)
			s.fail(w, refusal(enrol.Refused, "%v", err))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// admitted fails for who is no gateway of this hub.
func (s *Server) admitted(r *http.Request) error {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return errors.New("no client certificate was shown")
	}
	shown := r.TLS.PeerCertificates[0]
	_, err := shown.Verify(x509.VerifyOptions{Roots: s.registrar.config.CA.Pool(), CurrentTime: s.registrar.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err == nil {
		_, err = s.registrar.Authorize(shown)
	}
	return err
}

// NewServer makes a listener that shows the certificate own.
func NewServer(r *Registrar, own *Own, log *slog.Logger) *Server {
	return &Server{registrar: r, own: own, log: log, asks: newRates(askInterval, askBurst, askAddresses)}
}

// Serve answers on l until ctx ends, then lets requests under way finish, for
// at most serverTimeout. It closes l. It returns nil after an orderly stop.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	config := s.registrar.config.CA.serverTLS(s.own)
	// A certificate shown is checked by the registrar, which takes an expired
	// one for its renewal.
	config.ClientAuth = tls.RequestClientCert
	config.NextProtos = []string{"http/1.1"}
	h := &http.Server{
		Handler:           s.handler(),
		TLSConfig:         config,
		ReadHeaderTimeout: serverTimeout,
		ReadTimeout:       serverTimeout,
		WriteTimeout:      serverTimeout,
		IdleTimeout:       serverTimeout,
		MaxHeaderBytes:    16 << 10,
		// Handshakes of strangers fail all day; they are of no interest.
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- h.ServeTLS(limitListener(l, serverConnections), "", "") }()
	select {
	case err := <-ended:
		return fmt.Errorf("enrolment listener: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), serverTimeout)
	defer cancel()
	if err := h.Shutdown(stop); err != nil {
		h.Close()
	}
	<-ended
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for path, h := range s.gateways {
		mux.Handle("GET "+path, h)
	}
	mux.HandleFunc("POST "+enrol.CertificatePath, answer(s, func(ctx context.Context, from string, _ *http.Request, req enrol.Request) (enrol.Response, error) {
		return s.registrar.Enrol(ctx, from, req)
	}))
	mux.HandleFunc("POST "+enrol.RenewPath, answer(s, func(ctx context.Context, from string, hr *http.Request, req enrol.RenewRequest) (enrol.Response, error) {
		if len(hr.TLS.PeerCertificates) == 0 {
			return enrol.Response{}, refusal(enrol.Refused, "no client certificate was shown")
		}
		return s.registrar.Renew(ctx, from, hr.TLS.PeerCertificates[0], req)
	}))
	return mux
}

// answer reads a request as JSON and writes what do makes of it.
func answer[T any](s *Server, do func(context.Context, string, *http.Request, T) (enrol.Response, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		from := remote(hr.RemoteAddr)
		if wait, ok := s.asks.take(from, s.registrar.now()); !ok {
			s.registrar.counts.limited.Add(1)
			s.fail(w, &enrol.Error{Kind: enrol.Busy, Message: "too many requests from this address", RetryAfterMs: wait.Milliseconds() + 1})
			return
		}
		var req T
		if kind, _, err := mime.ParseMediaType(hr.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			s.fail(w, refusal(enrol.Malformed, "content type: want application/json"))
			return
		}
		d := json.NewDecoder(http.MaxBytesReader(w, hr.Body, enrol.MaxBody))
		if err := d.Decode(&req); err != nil {
			s.fail(w, refusal(enrol.Malformed, "body: %v", err))
			return
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			s.fail(w, refusal(enrol.Malformed, "body: more than one JSON value"))
			return
		}
		resp, err := do(hr.Context(), "address "+from, hr, req)
		if err != nil {
			s.fail(w, err)
			return
		}
		s.write(w, http.StatusOK, resp)
	}
}

// fail writes an error in the form gateways read. What is the hub's own
// trouble is logged, and its particulars are kept from strangers.
func (s *Server) fail(w http.ResponseWriter, err error) {
	bad, ok := errors.AsType[*enrol.Error](err)
	if !ok {
		s.log.Error("enrolment request could not be served", "error", err)
		bad = &enrol.Error{Kind: enrol.Unavailable, Message: "the hub could not serve the request; see its log", RetryAfterMs: 5000}
	}
	status := http.StatusForbidden
	switch bad.Kind {
	case enrol.Malformed:
		status = http.StatusBadRequest
	case enrol.Busy:
		status = http.StatusTooManyRequests
	case enrol.Unavailable:
		status = http.StatusServiceUnavailable
	}
	s.write(w, status, bad)
}

func (s *Server) write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Debug("enrolment answer could not be sent", "error", err)
	}
}

// remote is the address a limit applies to: an IPv4 address, or an IPv6
// network of 64 bits, of which one host has all.
func remote(address string) string {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return address[:max(0, strings.LastIndexByte(address, ':'))]
	}
	ip := ap.Addr().Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
