package web

import (
	"errors"
	"net/http"
	"time"

	"frostline/hub/excursion"
)

const (
	maxUpload     = excursion.MaxDocuments*excursion.MaxDocument + maxForm // bytes of one request
	uploadMemory  = 1 << 20                                                // of it; the rest is in files until it is answered
	uploadWithin  = 2 * time.Minute
	uploadsAtOnce = 4
)

// uploaded reads a form with documents, as formed does one without. Few are read
// at once, each for a bounded time; what does not fit is refused before it is
// kept. Whoever answers then removes its files.
func (s *Server) uploaded(w http.ResponseWriter, r *http.Request) bool {
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		w.Header().Set("Retry-After", "5")
		s.fail(w, r, http.StatusServiceUnavailable, "Too much is being sent at once", "Others are sending documents just now. Go back and send it again in a moment.")
		return false
	}
	control := http.NewResponseController(w)
	until := time.Now().Add(uploadWithin)
	if err := errors.Join(control.SetReadDeadline(until), control.SetWriteDeadline(until.Add(writeWithin))); err != nil {
		s.log.Debug("an upload has no time of its own", "error", err)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if err := r.ParseMultipartForm(uploadMemory); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			s.fail(w, r, http.StatusRequestEntityTooLarge, "That is too much at once", "At most "+bytesWord(excursion.MaxDocument)+" a document, and a few of them with one comment. Nothing of it was kept.")
			return false
		}
		s.fail(w, r, http.StatusBadRequest, "What was sent could not be read", "It is no form of this hub, or the connection broke. Nothing of it was kept.")
		return false
	}
	if !s.oursForm(w, r) {
		_ = r.MultipartForm.RemoveAll()
		return false
	}
	return true
}
