package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"frostline/edge/panel"
)

// Limits of each step on the way to the hub.
const (
	stepLimit   = 10 * time.Second
	refusalWait = 500 * time.Millisecond // in which a hub that refuses our certificate says so
)

// journey is how far the way to the hub has been gone: each check goes one
// step and leaves what the next needs.
type journey struct {
	b         *bench
	host      string
	addresses []string
	conn      net.Conn
	stuck     string        // the step that failed; those after it are skipped
	patience  time.Duration // with each answer of the hub
}

// hubChecks goes the way that a reading goes. The steps share a connection.
func (b *bench) hubChecks() []check {
	if b.Hub == "" {
		return []check{one("hub", stepLimit, func(context.Context) Result {
			return warn("Enrol the gateway, or name the hub in the configuration file; until then all readings stay here.", "no hub is known")
		})}
	}
	j := &journey{b: b, patience: stepLimit - time.Second}
	checks := []check{j.step("dns", j.dns), j.step("tcp", j.tcp)}
	if b.Identity != nil {
		checks = append(checks, j.step("tls", j.tls))
	}
	session := one("session", stepLimit, func(context.Context) Result {
		j.close()
		return b.askedUplink()
	})
	switch {
	case b.unwell != nil, b.running != nil && (b.running.Uplink.State == panel.LinkConnected || b.running.Uplink.State == panel.LinkCut):
		return append(checks, session) // a session of ours would end the agent's, or pass by the operator who pulled it
	case b.running != nil: // it has none to lose
		return append(checks, j.step("mqtt", j.mqtt), j.step("acknowledgement", j.acknowledgement), session)
	}
	return append(checks, j.step("mqtt", j.mqtt), j.step("acknowledgement", j.acknowledgement))
}

// step makes a check that is skipped once an earlier one has failed.
func (j *journey) step(name string, f func(context.Context) Result) check {
	return one(name, stepLimit, func(ctx context.Context) Result {
		if j.stuck != "" {
			return skipped("%s did not succeed", j.stuck)
		}
		if j.conn != nil {
			stop := context.AfterFunc(ctx, func() { j.conn.SetDeadline(time.Unix(1, 0)) })
			defer stop()
		}
		r := f(ctx)
		if r.Outcome == Fail || r.Outcome == Skipped {
			j.stuck = name
			j.close()
		}
		return r
	})
}

func (j *journey) close() {
	if j.conn != nil {
		j.conn.Close()
		j.conn = nil
	}
}

func (j *journey) dns(ctx context.Context) Result {
	host, port, err := net.SplitHostPort(j.b.Hub)
	if err != nil {
		return fail("Correct the hub's address in the configuration file.", "hub address %q: want HOST:PORT", j.b.Hub)
	}
	j.host = host
	if net.ParseIP(host) != nil {
		j.addresses = []string{j.b.Hub}
		return ok("%s is an address already", host)
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return fail("Correct the hub's name in the configuration file, or have it entered in the DNS.", "%s is not known", host)
		}
		return fail("Check the network and the name servers in /etc/resolv.conf.", "look up %s: %v", host, err)
	}
	for _, a := range found {
		j.addresses = append(j.addresses, net.JoinHostPort(a, port))
	}
	return ok("%s is %s", host, strings.Join(found, ", "))
}

func (j *journey) tcp(ctx context.Context) Result {
	var errs []error
	for _, a := range j.addresses {
		start := time.Now()
		conn, err := (&net.Dialer{Timeout: stepLimit / 2}).DialContext(ctx, "tcp", a)
		if err == nil {
			j.conn = conn
			return ok("connected to %s in %.1f ms", a, ms(time.Since(start)))
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	do := "Check the network as far as the hub, and that no firewall is between."
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		do = "The machine is there and nothing listens: start the hub, or correct the port."
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		do = "Check the network cable, the modem and the route."
	}
	return fail(do, "%v", err)
}

// tls agrees on TLS with the gateway's certificate, and listens a moment:
// under TLS 1.3 a hub refuses a certificate only after the handshake.
func (j *journey) tls(ctx context.Context) Result {
	if !j.b.credentials() {
		return skipped("without a certificate there is nothing to show")
	}
	config, err := j.b.identity.TLS(j.host)
	if err != nil {
		return fail(enrolAgain, "%v", err)
	}
	secure := tls.Client(j.conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return fail(tlsRemedy(err), "%v", err)
	}
	j.conn = secure
	if err := refusal(secure); err != nil {
		return fail("Ask whoever runs the hub whether this gateway was revoked; if not, enrol it again.", "the hub refuses our certificate: %v", err)
	}
	state := secure.ConnectionState()
	return ok("%s with %q", tls.VersionName(state.Version), state.PeerCertificates[0].Subject.CommonName)
}

// refusal waits a moment for the alert of a hub that refuses us. Nothing else
// comes: in MQTT the client speaks first.
func refusal(secure *tls.Conn) error {
	if err := secure.SetReadDeadline(time.Now().Add(refusalWait)); err != nil {
		return err
	}
	_, err := secure.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return secure.SetReadDeadline(time.Time{})
	}
	if err == nil {
		return errors.New("it speaks first, which is not MQTT")
	}
	return err
}

func tlsRemedy(err error) string {
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "This is not the hub that the gateway was enrolled with: correct its address, or enrol again."
	case errors.As(err, &wrongName):
		return "Use a name that the hub's certificate has, or let the hub make one for this name."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "Look at this gateway's clock, then at the hub's certificate."
	case errors.As(err, &notTLS):
		return "The port speaks something else than TLS: correct it."
	}
	return "Look at the hub's log for why it ended the handshake."
}
