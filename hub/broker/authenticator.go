package broker

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"

	"frostline/proto/topic"
)

// hubUser is the hub itself on its in-memory connection. It holds a character
// that no gateway id has.
const hubUser = "_hub"

// authenticator decides who may connect to the embedded server and what they
// may do there. Called by the server, from many goroutines.
type authenticator struct {
	authorizer Authorizer
	hub        string // password of the hub's own connection, made at start, never written anywhere
	log        *slog.Logger
	notice     *limiter
	srv        atomic.Pointer[server.Server]
	refused    atomic.Uint64
}

var errClientID = errors.New("mqtt client id is not the gateway id of the certificate")

// Check is called for each new connection.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT {
		return false
	}
	if c.GetTLSConnectionState() == nil {
		o := c.GetOpts()
		ok := o.Username == hubUser && subtle.ConstantTimeCompare([]byte(o.Password), []byte(a.hub)) == 1
		if ok {
			c.RegisterUser(&server.User{Username: hubUser})
		}
		return ok
	}
	gateway, err := a.gateway(c)
	if err != nil {
		a.refused.Add(1)
		if n, ok := a.notice.allow("refused " + gateway); ok {
			a.log.Warn("gateway refused", "gateway", gateway, "remote", c.RemoteAddress(), "error", err, "since_last", n)
		}
		return false
	}
	c.RegisterUser(&server.User{
		Username:    gateway,
		Permissions: permissions(gateway),
		// The connection ends with the certificate that opened it.
		ConnectionDeadline: c.GetTLSConnectionState().PeerCertificates[0].NotAfter,
	})
	return true
}

// gateway names the gateway on a TLS connection; with an error, the name it
// was known by so far, for the log.
func (a *authenticator) gateway(c server.ClientAuthentication) (string, error) {
	certs := c.GetTLSConnectionState().PeerCertificates
	if len(certs) == 0 {
		return "", errors.New("no client certificate")
	}
	gateway, err := a.authorizer.Authorize(certs[0])
	if err != nil {
		return clip(certs[0].Subject.CommonName), err
	}
	if err := topic.CheckGateway(gateway); err != nil {
		return clip(gateway), err
	}
	// The server tells the client id of a connection by its list only.
	srv := a.srv.Load()
	list, err := srv.Connz(&server.ConnzOptions{CID: c.GetID()})
	if err != nil {
		return gateway, fmt.Errorf("look up connection: %w", err)
	}
	if len(list.Conns) != 1 {
		return gateway, errors.New("connection has gone")
	}
	if id := list.Conns[0].MQTTClient; id != gateway {
		return gateway, fmt.Errorf("%w: %q", errClientID, clip(id))
	}
	return gateway, nil
}

// permissions confines a gateway to its own lanes. What the server needs for
// subscriptions with QoS 1 it grants by itself.
func permissions(gateway string) *server.Permissions {
	up, down := gatewaySubjects(gateway)
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: up},
		Subscribe: &server.SubjectPermission{Allow: down},
	}
}

func gatewaySubjects(gateway string) (up, down []string) {
	for _, lane := range topic.Up {
		up = append(up, topic.Subject(gateway, lane))
	}
	for _, lane := range topic.Down {
		down = append(down, topic.Subject(gateway, lane))
	}
	return up, down
}
