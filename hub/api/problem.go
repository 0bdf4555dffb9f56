package api

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Problem is an error answer, application/problem+json (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Error gives the detail, which says what to do.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("the hub answers %d %s", p.Status, p.Title)
	}
	return p.Detail
}

func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{title, status, detail})
}

// broken answers when a part of the hub fails, and logs it.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	s.log.Error("command could not be answered", "call", r.Method+" "+r.URL.Path, "error", err)
	problem(w, http.StatusInternalServerError, "the hub could not answer", err.Error())
}

func (s *Server) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("answer could not be sent", "error", err)
	}
}
