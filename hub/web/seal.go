package web

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// sealer gives browsers what they bring back unread and unchanged, for some
// time: what a step of signing in has found out until the next. Nothing of it
// is kept here, so nobody can fill the hub with steps begun.
type sealer struct {
	access Access
	now    func() time.Time

	once sync.Mutex
	key  []byte
}

var errSeal = errors.New("it is not of this hub, or too old")

// with gives the key of the store, made at the first use.
func (s *sealer) with(ctx context.Context) ([]byte, error) {
	s.once.Lock()
	defer s.once.Unlock()
	if s.key == nil {
		key, err := s.access.Key(ctx, "pages")
		if err != nil {
			return nil, err
		}
		s.key = key
	}
	return s.key, nil
}

func (s *sealer) aead(ctx context.Context) (cipher.AEAD, error) {
	key, err := s.with(ctx)
	if err != nil {
		return nil, err
	}
	derived := sha256.Sum256(append([]byte("frostline seal\x00"), key...))
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

type sealed struct {
	Until int64           `json:"u"`
	Value json.RawMessage `json:"v"`
}

// seal closes a value, for one purpose.
func (s *sealer) seal(ctx context.Context, purpose string, v any, life time.Duration) (string, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(sealed{s.now().Add(life).UnixMilli(), value})
	if err != nil {
		return "", err
	}
	a, err := s.aead(ctx)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(a.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

// open gives what was sealed for the purpose, not too long ago.
func (s *sealer) open(ctx context.Context, purpose, text string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errSeal
	}
	a, err := s.aead(ctx)
	if err != nil {
		return err
	}
	if len(b) < a.NonceSize() {
		return errSeal
	}
	plain, err := a.Open(nil, b[:a.NonceSize()], b[a.NonceSize():], []byte(purpose))
	if err != nil {
		return errSeal
	}
	var box sealed
	if err := json.Unmarshal(plain, &box); err != nil || s.now().UnixMilli() >= box.Until {
		return errSeal
	}
	return json.Unmarshal(box.Value, v)
}

// mark is a keyed digest of texts.
func (s *sealer) mark(ctx context.Context, parts ...string) (string, error) {
	key, err := s.with(ctx)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%q", parts)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:18]), nil
}

// visitorCookie tells the forms of browsers apart where nobody is signed in.
const visitorCookie = "frostline_visitor"

// formToken is what a form sent by r has to carry; "" for nobody's.
func (s *Server) formToken(r *http.Request) string {
	if secret := viewerOf(r).secret; secret != "" {
		return s.formOf(r.Context(), secret)
	}
	if c, err := r.Cookie(visitorCookie); err == nil {
		return s.formOf(r.Context(), c.Value)
	}
	return ""
}

// formFor gives what a form shown to r has to carry. It makes the browser known
// where nobody is signed in.
func (s *Server) formFor(w http.ResponseWriter, r *http.Request) string {
	if viewerOf(r).secret == "" {
		if c, err := r.Cookie(visitorCookie); err != nil || len(c.Value) < 16 || len(c.Value) > 64 {
			c := s.cookie(visitorCookie, rand.Text(), 0)
			http.SetCookie(w, c)
			return s.formOf(r.Context(), c.Value)
		}
	}
	return s.formToken(r)
}

func (s *Server) formOf(ctx context.Context, secret string) string {
	if s.cfg.Access == nil {
		return "" // a test's, which sends no form
	}
	m, err := s.seals.mark(ctx, "form", secret)
	if err != nil {
		s.log.Error("the token of a form could not be made", "error", err)
	}
	return m
}

// cookie makes a cookie that scripts cannot read and that other sites do not
// send along; it ends with the browser where life is 0.
func (s *Server) cookie(name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: s.cfg.TLS != nil, SameSite: http.SameSiteLaxMode}
	if life != 0 {
		c.MaxAge = int(life.Seconds())
	}
	return c
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
