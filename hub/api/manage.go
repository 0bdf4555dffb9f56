package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"frostline/hub/access"
	"frostline/hub/broker"
	"frostline/hub/view"
	"frostline/proto/topic"
)

// actor is who asks, for logs and the trail.
func actor(r *http.Request) string {
	p, _ := r.Context().Value(peerKey{}).(peer)
	return p.String()
}

func (s *Server) code(w http.ResponseWriter, r *http.Request) {
	gateway := r.PathValue("gateway")
	if err := topic.CheckGateway(gateway); err != nil {
		problem(w, http.StatusBadRequest, "no gateway id", err.Error())
		return
	}
	code, expires, err := s.cfg.Access.NewCode(r.Context(), actor(r), gateway)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.log.Info("one-time code made", "gateway", gateway, "by", actor(r), "expires", expires)
	s.write(w, Code{
		Gateway: gateway, Code: code.String(), Expires: view.Stamp(expires.UnixMilli()),
		Command: fmt.Sprintf("frostline-edge enrol --hub %s --code %s", s.cfg.Enrol, code),
	})
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	gateway := r.PathValue("gateway")
	var body struct {
		Reason string `json:"reason"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		problem(w, http.StatusBadRequest, "no reason", fmt.Sprintf("body: %v; want {\"reason\": \"…\"}", err))
		return
	}
	if n := len(strings.TrimSpace(body.Reason)); n == 0 || n > 500 {
		problem(w, http.StatusBadRequest, "no reason", "say why, in at most 500 bytes: the reason is kept with the revocation")
		return
	}
	switch err := s.cfg.Access.Revoke(r.Context(), actor(r), gateway, body.Reason); {
	case errors.Is(err, access.ErrNotFound):
		problem(w, http.StatusNotFound, "no such gateway", fmt.Sprintf("gateway %q was never enrolled; frostline gateways lists those that were", gateway))
	case err != nil:
		s.broken(w, r, err)
	default:
		s.log.Info("gateway revoked by command", "gateway", gateway, "by", actor(r), "reason", body.Reason)
		s.write(w, map[string]string{"gateway": gateway, "revoked": view.Stamp(s.now().UnixMilli())})
	}
}

// brokerLifetime is that of the certificate made for an external broker.
const brokerLifetime = 397 * 24 * time.Hour

// brokerConfig makes the files of an external broker: configuration, access
// list, certificate and key, the hub's authority, and the revocation list.
func (s *Server) brokerConfig(w http.ResponseWriter, r *http.Request) {
	var req BrokerRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		problem(w, http.StatusBadRequest, "no request", fmt.Sprintf("body: %v", err))
		return
	}
	if !filepath.IsAbs(req.Dir) || len(req.Hosts) == 0 {
		problem(w, http.StatusBadRequest, "incomplete request", fmt.Sprintf("dir %q and hosts %v: want an absolute path and at least one name or address of the broker", req.Dir, req.Hosts))
		return
	}
	o := broker.ExternalOptions{
		Gateways: req.Gateways, Hub: req.Hub, Dir: req.Dir, CRL: s.cfg.CRL,
		CA: filepath.Join(req.Dir, "ca.pem"), Certificate: filepath.Join(req.Dir, "broker.pem"), Key: filepath.Join(req.Dir, "broker-key.pem"),
	}
	var files []broker.File
	var err error
	switch req.Kind {
	case "mosquitto":
		if _, err := os.Stat(s.cfg.CRL); err != nil {
			problem(w, http.StatusConflict, "no revocation list", fmt.Sprintf("the hub's list of revoked certificates is not there: %v", err))
			return
		}
		files, err = broker.MosquittoConfig(o)
	case "nats":
		gs, listErr := s.cfg.Fleet.Gateways(r.Context())
		if listErr != nil {
			s.broken(w, r, listErr)
			return
		}
		for _, g := range gs {
			if g.Revoked == 0 {
				o.GatewayIDs = append(o.GatewayIDs, g.ID)
			}
		}
		files, err = broker.NATSConfig(o)
	default:
		problem(w, http.StatusBadRequest, "no such broker", fmt.Sprintf("kind %q: want mosquitto or nats", req.Kind))
		return
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "configuration cannot be made", err.Error())
		return
	}
	cert, key, err := s.cfg.Authority.IssueBroker(req.Hosts, brokerLifetime)
	if err != nil {
		s.broken(w, r, fmt.Errorf("issue the broker's certificate: %w", err))
		return
	}
	s.log.Info("broker certificate issued", "kind", req.Kind, "hosts", req.Hosts, "by", actor(r))
	out := []BrokerFile{
		{"ca.pem", 0o644, string(s.cfg.Authority.PEM())},
		{"broker.pem", 0o644, string(cert)},
		{"broker-key.pem", 0o600, string(key)},
	}
	for _, f := range files {
		out = append(out, BrokerFile{f.Name, 0o644, string(f.Content)})
	}
	s.write(w, out)
}
