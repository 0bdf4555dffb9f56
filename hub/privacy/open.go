package privacy

import (
	"context"
	"crypto/hmac"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrClosed says that nothing opens, and not why: the secret is nobody's, the
// link is over, or the answer is wrong.
var ErrClosed = errors.New("this does not open")

// Wait says that answers come too fast, there be such a link or not.
type Wait struct{ For time.Duration }

func (w *Wait) Error() string { return fmt.Sprintf("too many answers; wait %v", w.For) }

// SessionLife is how long a session is good for.
const SessionLife = 4 * time.Hour

// answer is what is kept of an answer.
func (l *Links) answer(digest string, f Factor, normal string) string {
	return hex.EncodeToString(l.seal("answer", digest, string(f), normal))
}

// nobody is the answer of a link that there is not.
var nobody = strings.Repeat("0", 2*keyBytes)

// Open takes the answer to what a link asks for, and gives a session: a text for
// a cookie, good for this link alone until an instant. origin is where the answer
// comes from, "" where nobody can tell. The error is ErrClosed, a *Wait, or that
// the store could not be read.
func (l *Links) Open(ctx context.Context, secret, answer, origin string) (session string, until time.Time, err error) {
	now := l.now()
	digest := digestOf(secret)
	if wait := l.tries.admit(digest, origin, now); wait > 0 {
		return "", until, &Wait{wait}
	}
	var want string
	k, err := l.scan(l.o.Store.QueryRow(ctx, `SELECT `+columns+`, answer FROM privacy_link WHERE digest = $1`, digest).Scan, &want)
	found := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", until, fmt.Errorf("read link: %w", err)
	}
	if !found { // the same work for nothing
		k.Factor, want = ZIP, nobody
	}
	right := subtle.ConstantTimeCompare([]byte(l.answer(digest, k.Factor, k.Factor.normal(answer))), []byte(want)) == 1
	// The count decides, not the row: it may be ahead of it.
	if !l.tries.count(digest, k.Wrong, found && k.State == "open", right, now) {
		return "", until, ErrClosed
	}
	until = now.Add(SessionLife)
	if end := time.UnixMilli(k.Expires); end.Before(until) {
		until = end
	}
	return l.session(digest, until), until, nil
}

// Visit is what a session lets see.
type Visit struct {
	Link     string // id of the link
	Shipment string
	Until    time.Time // end of the session
	// Changed is closed when some link was revoked: enter anew.
	Changed <-chan struct{}
}

// session writes an instant and its MAC with the link.
func (l *Links) session(digest string, until time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(until.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(b[:], l.seal("session", digest, string(b[:]))...))
}

// Enter checks a session of a link and that the link is still open. The error is
// ErrClosed, or that the store could not be read. Who shows no session that is
// good for this link causes no look into the store.
func (l *Links) Enter(ctx context.Context, secret, session string) (v Visit, err error) {
	digest := digestOf(secret)
	b, err := base64.RawURLEncoding.DecodeString(session)
	if err != nil || len(b) != 8+keyBytes || !hmac.Equal(b[8:], l.seal("session", digest, string(b[:8]))) {
		return v, ErrClosed
	}
	v.Until = time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8])))
	if !l.now().Before(v.Until) {
		return v, ErrClosed
	}
	l.mu.Lock()
	v.Changed = l.changed // before the look: what is revoked after it is told
	l.mu.Unlock()
	k, err := l.scan(l.o.Store.QueryRow(ctx, `SELECT `+columns+` FROM privacy_link WHERE digest = $1`, digest).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Visit{}, ErrClosed
	}
	if err != nil {
		return Visit{}, fmt.Errorf("read link: %w", err)
	}
	// Wrong answers of somebody else end no session that was opened with a right one.
	if k.State != "open" && k.State != "locked" {
		return Visit{}, ErrClosed
	}
	v.Link, v.Shipment = k.ID, k.Shipment
	return v, nil
}
