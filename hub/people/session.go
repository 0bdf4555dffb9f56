package people

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"frostline/hub/store"
)

// How long a session is good: since it was last used, and in all.
const (
	SessionIdle  = time.Hour
	SessionLife  = 12 * time.Hour
	sessionTouch = time.Minute // how often its use is noted
	mostSessions = 20          // of one person; the oldest goes
	mostAbout    = 200         // bytes
)

// Ways to sign in.
const (
	ByPassword = "password" // with a one-time code
	ByPasskey  = "passkey"
	ByProvider = "oidc"
	ByLink     = "link"
)

// Session is what may be shown of somebody being signed in.
type Session struct {
	ID      string `json:"id"`
	Person  string `json:"person"`
	Method  string `json:"method" doc:"password, passkey, oidc or link."`
	About   string `json:"about" doc:"Browser and address, as they told."`
	Created int64  `json:"created" doc:"Unix milliseconds UTC."`
	Used    int64  `json:"used" doc:"Last time, to the minute, Unix milliseconds UTC."`
	Ends    int64  `json:"ends" doc:"At the latest, Unix milliseconds UTC."`
}

// over says whether a session has ended by time.
func (s Session) over(now int64) bool {
	return now >= s.Ends || now >= s.Used+SessionIdle.Milliseconds()
}

// secretText makes 256 random bits.
func secretText() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// secretLen is how long a text of secretText is.
const secretLen = 43

const sessionColumns = `id, person, method, about, created_ms, used_ms, ends_ms`

func scanSession(scan func(...any) error) (s Session, err error) {
	err = scan(&s.ID, &s.Person, &s.Method, &s.About, &s.Created, &s.Used, &s.Ends)
	return s, err
}

// Begin signs a person in who has shown by a method who they are: the secret,
// of 256 random bits, is for their browser and not kept. A person who is
// disabled is refused. What is over is removed by the way.
func (k *Keeper) Begin(ctx context.Context, person, method, about string) (secret string, s Session, err error) {
	now := k.now()
	secret = secretText()
	s = Session{ID: rand.Text()[:16], Person: person, Method: method, About: printable(about), Created: now.UnixMilli(),
		Used: now.UnixMilli(), Ends: now.Add(SessionLife).UnixMilli()}
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := personOf(ctx, tx, person)
		if err != nil {
			return err
		}
		if p.Disabled != 0 {
			return fmt.Errorf("sign in: %w", ErrRefused)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM people_session WHERE ends_ms <= $1 OR used_ms <= $2`, s.Created, s.Created-SessionIdle.Milliseconds()); err != nil {
			return fmt.Errorf("remove sessions that are over: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM people_session WHERE person = $1 AND digest NOT IN
			(SELECT digest FROM people_session WHERE person = $1 ORDER BY created_ms DESC, digest LIMIT $2)`, person, mostSessions-1); err != nil {
			return fmt.Errorf("remove a person's oldest session: %w", err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO people_session (digest, `+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			digest(secret), s.ID, s.Person, s.Method, s.About, s.Created, s.Used, s.Ends); err != nil {
			return fmt.Errorf("add session: %w", err)
		}
		return k.note(ctx, tx, "person/"+person, "signed_in", "person/"+person, "by "+method+", session "+s.ID+", "+s.About)
	})
	if err != nil {
		return "", Session{}, err
	}
	return secret, s, nil
}

// Session gives who is signed in by a secret. ok is false where there is no
// such session, it is over, or the person is disabled; an error means that it
// could not be found out. It notes the use, to the minute, where use is true.
func (k *Keeper) Session(ctx context.Context, secret string, use bool) (s Session, p Person, ok bool, err error) {
	if len(secret) != secretLen {
		return s, p, false, nil
	}
	key := digest(secret)
	s, err = scanSession(k.db.QueryRow(ctx, `SELECT `+sessionColumns+` FROM people_session WHERE digest = $1`, key).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, p, false, nil
	}
	if err != nil {
		return Session{}, p, false, fmt.Errorf("read session: %w", err)
	}
	now := k.now().UnixMilli()
	if s.over(now) {
		return Session{}, p, false, nil
	}
	if p, err = personOf(ctx, k.db, s.Person); err != nil || p.Disabled != 0 {
		return Session{}, Person{}, false, err
	}
	if use && now-s.Used >= sessionTouch.Milliseconds() {
		within, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := k.db.Write(within, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE people_session SET used_ms = $2 WHERE digest = $1 AND used_ms < $2`, key, now)
			return err
		}); err != nil {
			k.log.Warn("use of a session is not noted; it may end early", "session", s.ID, "error", err)
		}
		s.Used = now
	}
	return s, p, true, nil
}

// Sessions gives those of a person that are not over, the newest first.
func (k *Keeper) Sessions(ctx context.Context, person string) (out []Session, err error) {
	rows, err := k.db.Query(ctx, `SELECT `+sessionColumns+` FROM people_session WHERE person = $1 ORDER BY created_ms DESC, digest`, person)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	defer rows.Close()
	now := k.now().UnixMilli()
	for rows.Next() {
		s, err := scanSession(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read sessions: %w", err)
		}
		if !s.over(now) {
			out = append(out, s)
		}
	}
	return out, rows.Err()
}

// End ends the session of a secret. It has no effect where there is none.
func (k *Keeper) End(ctx context.Context, secret string) error {
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := scanSession(tx.QueryRow(ctx, `SELECT `+sessionColumns+` FROM people_session WHERE digest = $1`, digest(secret)).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM people_session WHERE digest = $1`, digest(secret)); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		return k.note(ctx, tx, "person/"+s.Person, "signed_out", "person/"+s.Person, "session "+s.ID)
	})
}

// EndAll ends every session of a person.
func (k *Keeper) EndAll(ctx context.Context, actor, person string) error {
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := endAll(ctx, tx, person)
		if err != nil || n == 0 {
			return err
		}
		return k.note(ctx, tx, actor, "signed_out_everywhere", "person/"+person, fmt.Sprintf("%d sessions", n))
	})
}

// endAll ends the sessions of a person, and the links that would let them in.
func endAll(ctx context.Context, tx *store.Tx, person string) (int64, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM people_link WHERE person = $1 AND kind = $2`, person, SignInLink); err != nil {
		return 0, fmt.Errorf("end links: %w", err)
	}
	n, err := tx.Exec(ctx, `DELETE FROM people_session WHERE person = $1`, person)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return n, nil
}

// printable keeps what may be shown of what a browser told.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if len(s) > mostAbout {
		s = strings.ToValidUTF8(s[:mostAbout], "")
	}
	return s
}
