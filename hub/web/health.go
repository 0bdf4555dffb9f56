package web

import (
	"context"
	"encoding/json"
	"net/http"

	"frostline/hub/view"
	"frostline/proto/version"
)

// health is GET /health: 200 as long as the hub answers at all, since nothing
// that it could tell of is mended by starting it again; status says whether a
// part is failing, and parts what is wrong with each that is.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	answer := struct {
		Status  string            `json:"status"`
		Version string            `json:"version"`
		Failing map[string]string `json:"failing,omitempty"`
	}{"ok", version.String(), map[string]string{}}
	for _, p := range s.troubles(r.Context()) {
		answer.Status, answer.Failing[p.Name] = "failing", p.Problem
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer)
}

// troubles are the parts that are not well.
func (s *Server) troubles(ctx context.Context) (wrong []view.Part) {
	if s.cfg.Parts == nil {
		return nil
	}
	for _, p := range s.cfg.Parts(ctx) {
		if p.Problem != "" {
			wrong = append(wrong, p)
		}
	}
	return wrong
}
