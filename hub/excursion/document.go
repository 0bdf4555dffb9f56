package excursion

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Bounds of what is attached to a case.
const (
	MaxDocument  = 8 << 20 // bytes of one
	MaxDocuments = 3       // with one comment
	MaxAttached  = 100     // to one case
)

// Document is what a person has attached to a case, as its read model has it.
type Document struct {
	fact.Attachment
	At    int64  `json:"at"`    // when, hub's clock, Unix ms
	Actor string `json:"actor"` // who
}

// Upload is a document that comes with a comment.
type Upload struct {
	Name string // as the person's machine called it
	Body []byte // 1 to MaxDocument bytes
}

// keep notes documents that the hub keeps, each once.
func (c *Case) keep(e event.Event, all []fact.Attachment) {
	for _, a := range all {
		if a.Where == fact.DocumentKept && !slices.ContainsFunc(c.Documents, func(d Document) bool { return d.SHA256 == a.SHA256 }) {
			c.Documents = append(c.Documents, Document{a, e.At, e.Actor})
		}
	}
}

// Attach adds words and documents. The documents are stored in the transaction
// of the comment: neither is there without the other.
func (c *Cases) Attach(ctx context.Context, by By, text string, all []Upload) (View, error) {
	if len(all) > MaxDocuments {
		return View{}, invalid("documents: %d, at most %d with one comment", len(all), MaxDocuments)
	}
	refs := make([]fact.Attachment, 0, len(all))
	for i, u := range all {
		if len(u.Body) == 0 || len(u.Body) > MaxDocument {
			return View{}, invalid("documents: number %d, %q: %d bytes, want 1 to %d", i+1, u.Name, len(u.Body), MaxDocument)
		}
		sum := sha256.Sum256(u.Body)
		refs = append(refs, fact.Attachment{Name: plainName(u.Name), Where: fact.DocumentKept, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(u.Body))})
	}
	if err := checkComment(text, nil); err != nil {
		return View{}, err
	}
	return c.comment(ctx, by, text, refs, func(ctx context.Context, ch event.Change, k *Case) error {
		if n := len(k.Documents) + len(refs); n > MaxAttached {
			return invalid("documents: %d, at most %d of one excursion", n, MaxAttached)
		}
		for i, u := range all {
			if _, err := ch.Tx().Exec(ctx, `INSERT INTO excursion_document (sha256, body) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING`, refs[i].SHA256, u.Body); err != nil {
				return fmt.Errorf("keep document %q: %w", refs[i].Name, err)
			}
		}
		return nil
	})
}

// plainName is the last part of a file's name, without what no name has.
func plainName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); s == "" || s == "." || s == ".." {
		return "document"
	}
	for len(s) > 200 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// Document gives a document that was attached to a case, with its bytes. The
// error wraps ErrNotFound where it was not attached to this case.
func (c *Cases) Document(ctx context.Context, id, sha string) (Document, []byte, error) {
	k, err := c.tables.get(ctx, c.store, id)
	if err != nil {
		return Document{}, nil, err
	}
	i := slices.IndexFunc(k.Documents, func(d Document) bool { return d.SHA256 == sha })
	if i < 0 {
		return Document{}, nil, fmt.Errorf("document of excursion %s: %w: none with this hash is attached to it", id, ErrNotFound)
	}
	var body []byte
	err = c.store.QueryRow(ctx, `SELECT body FROM excursion_document WHERE sha256 = $1`, sha).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		err = errors.New("it is not in the store any more")
	}
	if err == nil {
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != sha {
			err = errors.New("what is stored has another hash: the store has been changed")
		}
	}
	if err != nil {
		return Document{}, nil, fmt.Errorf("document %s of excursion %s: %w", sha, id, err)
	}
	return k.Documents[i], body, nil
}

// Media is the type under which a document is given out, by what its bytes begin
// like and not by what anybody says: a picture, a PDF or plain text; else
// application/octet-stream, and so for whatever a browser may run.
func Media(body []byte) string {
	switch media := http.DetectContentType(body); media {
	case "image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain; charset=utf-8":
		return media
	}
	return "application/octet-stream"
}

// pieceOf is how much of a document is in memory at once as it is copied.
const pieceOf = 256 << 10

// CopyDocument writes a document of so many bytes to w, piece by piece. Which
// case it belongs to, and whether its hash is still right, is for the caller to
// know.
func (c *Cases) CopyDocument(ctx context.Context, w io.Writer, sha string, size int64) error {
	if size < 1 || size > MaxDocument {
		return fmt.Errorf("document %s: %d bytes, want 1 to %d", sha, size, MaxDocument)
	}
	for at := int64(0); at < size; {
		var piece []byte
		err := c.store.QueryRow(ctx, `SELECT substr(body, $2, $3) FROM excursion_document WHERE sha256 = $1`, sha, at+1, min(pieceOf, size-at)).Scan(&piece)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			err = errors.New("it is not in the store any more")
		case err == nil && len(piece) == 0:
			err = fmt.Errorf("it ends after %d of %d bytes", at, size)
		case err == nil:
			_, err = w.Write(piece)
		}
		if err != nil {
			return fmt.Errorf("document %s: %w", sha, err)
		}
		at += int64(len(piece))
	}
	return nil
}
