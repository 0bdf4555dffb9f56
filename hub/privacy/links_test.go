package privacy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

var ctx = context.Background()

type world struct {
	*testing.T
	db  *store.DB
	key string
	*Links

	mu  sync.Mutex
	at  time.Time
	not bool // there is no shipment
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) start() {
	w.Helper()
	l, err := New(ctx, Options{Store: w.db, Key: w.key, Known: func(context.Context, string) (bool, error) { return !w.not, nil },
		Log: storetest.Logger(w), Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }})
	if err != nil {
		w.Fatal(err)
	}
	w.Links = l
}

func run(t *testing.T, test func(w *world)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := &world{T: t, db: db, key: filepath.Join(t.TempDir(), "privacy", "key"), at: time.Date(2026, 9, 14, 9, 0, 0, 0, time.UTC)}
		w.start()
		test(w)
	})
}

func (w *world) made(f Factor, answer string) (string, Link) {
	w.Helper()
	secret, k, err := w.Make(ctx, "person/amy", "SH-1", f, answer, 0)
	if err != nil {
		w.Fatal(err)
	}
	return secret, k
}

func (w *world) opens(secret, answer string) string {
	w.Helper()
	s, _, err := w.Open(ctx, secret, answer, "")
	if err != nil {
		w.Fatalf("does not open: %v", err)
	}
	return s
}

func (w *world) refuses(why, secret, answer string) {
	w.Helper()
	w.pass(secretBurst * secretEvery)
	if s, _, err := w.Open(ctx, secret, answer, ""); !errors.Is(err, ErrClosed) || s != "" || err.Error() != ErrClosed.Error() {
		w.Errorf("%s: got session %q and %v, want only %v", why, s, err, ErrClosed)
	}
}

func (w *world) of() Link {
	w.Helper()
	all, err := w.Of(ctx, "SH-1", "", 10)
	if err != nil || len(all) != 1 {
		w.Fatalf("%v %v", all, err)
	}
	return all[0]
}

func TestLinkOpensByItsAnswerAlone(t *testing.T) {
	run(t, func(w *world) {
		zip, _ := w.made(ZIP, "98134")
		year, _ := w.made(BirthYear, "1957")
		if !Plausible(zip) || zip == year || len(zip)*5 < 128 {
			t.Errorf("secrets %q and %q", zip, year)
		}
		for secret, answers := range map[string][]string{zip: {"98134", " 98134 ", "98134-1234"}, year: {"1957", " 1957"}} {
			for _, a := range answers {
				v, err := w.Enter(ctx, secret, w.opens(secret, a))
				if err != nil || v.Shipment != "SH-1" || v.Until.Sub(w.at) > SessionLife || v.Link == "" {
					t.Errorf("%q: %+v %v", a, v, err)
				}
			}
		}
		other, _ := w.made(ZIP, "98134")
		for why, try := range map[string][2]string{
			"nobody's secret": {random(20), "98134"}, "a wrong answer": {zip, "98135"}, "another link's answer": {zip, "1957"}, "no answer": {year, ""},
			"the year for a ZIP": {year, "98134"}, "letters": {other, "seattle"}, "a secret in capitals": {strings.ToUpper(other), "98134"},
		} {
			w.refuses(why, try[0], try[1])
		}
	})
}

func TestNothingInTheStoreOpens(t *testing.T) {
	run(t, func(w *world) {
		secret, k := w.made(ZIP, "98134")
		if err := w.Keep(ctx); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"privacy_link", "privacy_event"} {
			rows, err := w.db.Query(ctx, "SELECT * FROM "+table)
			if err != nil {
				t.Fatal(err)
			}
			names, _ := rows.Columns()
			for rows.Next() {
				values := make([]any, len(names))
				for i := range values {
					values[i] = new(string)
				}
				if err := rows.Scan(values...); err != nil {
					t.Fatal(err)
				}
				for i, v := range values {
					if s := *v.(*string); strings.Contains(s, secret) || strings.Contains(s, "98134") {
						t.Errorf("%s.%s has a secret: %s", table, names[i], s)
					}
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(secret, k.ID) {
			t.Error("the id tells of the secret")
		}
		if info, err := os.Stat(w.key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("key: %v %v", info.Mode(), err)
		}
	})
}

func TestWhatIsOverDoesNotOpen(t *testing.T) {
	for name, end := range map[string]func(*world, string, Link) string{
		"revoked": func(w *world, _ string, k Link) string {
			if r, err := w.Revoke(ctx, "person/amy", k.ID, "sent to the wrong number"); err != nil || r.State != "revoked" {
				w.Fatal(r, err)
			}
			return "revoked"
		},
		"expired": func(w *world, _ string, _ Link) string { w.pass(Life); return "expired" },
		"locked": func(w *world, secret string, _ Link) string {
			for range MostWrong {
				w.refuses("wrong", secret, "00000")
			}
			if err := w.Keep(ctx); err != nil {
				w.Fatal(err)
			}
			return "locked"
		},
		"unreadable": func(w *world, _ string, _ Link) string {
			if err := os.Remove(w.key); err != nil {
				w.Fatal(err)
			}
			w.start()
			return "unreadable"
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				secret, k := w.made(ZIP, "98134")
				session := w.opens(secret, "98134")
				state := end(w, secret, k)
				w.refuses(name, secret, "98134")
				_, err := w.Enter(ctx, secret, session)
				if closed := errors.Is(err, ErrClosed); closed != (name != "locked") {
					t.Errorf("a session that was there before: %v", err)
				}
				if is := w.of(); is.State != state {
					t.Errorf("is told to be %q, want %q: %+v", is.State, state, is)
				}
				w.start() // it stays so
				w.refuses(name+" after a restart", secret, "98134")
			})
		})
	}
}

func TestSessionIsOfItsLinkAndEnds(t *testing.T) {
	run(t, func(w *world) {
		one, _ := w.made(ZIP, "98134")
		two, _ := w.made(ZIP, "98134")
		session := w.opens(one, "98134")
		bent := []byte(session)
		bent[3] ^= 1
		for why, try := range map[string][2]string{"another link": {two, session}, "nobody's link": {random(20), session}, "bent": {one, string(bent)},
			"empty": {one, ""}, "longer": {one, session + "AA"}, "cut": {one, session[:20]}, "no base64": {one, "=="}} {
			if v, err := w.Enter(ctx, try[0], try[1]); !errors.Is(err, ErrClosed) || v.Shipment != "" {
				t.Errorf("%s: %+v %v", why, v, err)
			}
		}
		w.start()
		if _, err := w.Enter(ctx, one, session); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		w.pass(SessionLife)
		if _, err := w.Enter(ctx, one, session); !errors.Is(err, ErrClosed) {
			t.Errorf("after its end: %v", err)
		}
		w.pass(Life - SessionLife - time.Hour)
		if v, err := w.Enter(ctx, one, w.opens(one, "98134")); err != nil || v.Until.Sub(w.at) != time.Hour {
			t.Errorf("shortly before the link ends: %v, %v", v.Until.Sub(w.at), err)
		}
	})
}

func TestRevokingIsToldToThoseWhoWatch(t *testing.T) {
	run(t, func(w *world) {
		secret, k := w.made(ZIP, "98134")
		v, err := w.Enter(ctx, secret, w.opens(secret, "98134"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Revoke(ctx, "person/amy", k.ID, "lost phone"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-v.Changed:
		default:
			t.Error("those who watch are not told")
		}
		if again, err := w.Revoke(ctx, "person/bo", k.ID, "again"); err != nil || again.Revoked != w.at.UnixMilli() {
			t.Errorf("%+v %v", again, err)
		}
		trail, err := w.Trail(ctx, 0, 10)
		if err != nil || len(trail) != 2 || trail[0].Action != "link_made" || trail[1].Action != "link_revoked" || trail[1].Detail != "lost phone" || trail[1].Actor != "person/amy" {
			t.Errorf("%+v %v", trail, err)
		}
	})
}

// TestGuessedAtSpeed: answers are bounded alike, there be a link or not, and many
// at once do not get past the count.
func TestGuessedAtSpeed(t *testing.T) {
	run(t, func(w *world) {
		secret, _ := w.made(BirthYear, "1957")
		for name, s := range map[string]string{"a link": secret, "none": random(20)} {
			var waits []time.Duration
			for range 6 {
				_, _, err := w.Open(ctx, s, "1900", "")
				if wait := (*Wait)(nil); errors.As(err, &wait) {
					waits = append(waits, wait.For)
				} else if !errors.Is(err, ErrClosed) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if len(waits) != 6-secretBurst || waits[0] != secretEvery {
				t.Errorf("%s: has to wait %v", name, waits)
			}
		}
		w.pass(time.Hour)
		fresh, _ := w.made(BirthYear, "1957")
		opened := make(chan bool, 200)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				if i%20 == 0 {
					w.pass(secretEvery)
				}
				_, _, err := w.Open(ctx, fresh, "1901", "")
				opened <- err == nil
			})
		}
		all.Wait()
		close(opened)
		for ok := range opened {
			if ok {
				t.Error("a wrong answer opened")
			}
		}
		if err := w.Keep(ctx); err != nil {
			t.Fatal(err)
		}
		var wrong int64
		if err := w.db.QueryRow(ctx, "SELECT wrong FROM privacy_link WHERE digest = $1", digestOf(fresh)).Scan(&wrong); err != nil || wrong > MostWrong {
			t.Errorf("%d wrong answers were taken, %v", wrong, err)
		}
		w.refuses("after all that", fresh, "1957")
	})
}

func TestOneOriginIsBoundedAndOthersAreNot(t *testing.T) {
	run(t, func(w *world) {
		var wait *Wait
		for range originBurst + 1 {
			_, _, err := w.Open(ctx, random(20), "98134", "203.0.113.9")
			errors.As(err, &wait)
		}
		if wait == nil || wait.For > originEvery {
			t.Errorf("has to wait %v", wait)
		}
		secret, _ := w.made(ZIP, "98134")
		if _, _, err := w.Open(ctx, secret, "98134", "203.0.113.10"); err != nil {
			t.Errorf("another origin: %v", err)
		}
	})
}

func TestCountedWhatCouldNotBeKept(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	w := &world{T: t, db: db, key: filepath.Join(t.TempDir(), "key"), at: time.Now()}
	w.start()
	secret, _ := w.made(ZIP, "98134")
	w.refuses("wrong", secret, "1")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.Keep(gone); err == nil {
		t.Fatal("kept though it was cancelled")
	}
	w.refuses("wrong", secret, "2")
	done := make(chan error)
	run, stop := context.WithCancel(ctx)
	go func() { done <- w.Links.Run(run) }()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if k := w.of(); k.Wrong != 2 {
		t.Errorf("%d wrong answers are kept, want 2", k.Wrong)
	}
}

func TestMakeRefuses(t *testing.T) {
	run(t, func(w *world) {
		for name, c := range map[string]struct {
			factor Factor
			answer string
			life   time.Duration
		}{"a ZIP of four": {ZIP, "9813", 0}, "words": {ZIP, "nowhere", 0}, "a year to come": {BirthYear, "2031", 0}, "an old year": {BirthYear, "1740", 0},
			"another factor": {"shoe", "43", 0}, "too long": {ZIP, "98134", MostLife + 1}, "too short": {ZIP, "98134", time.Minute}} {
			_, _, err := w.Make(ctx, "person/amy", "SH-1", c.factor, c.answer, c.life)
			if !errors.Is(err, record.ErrInvalid) || strings.Contains(err.Error(), c.answer+`"`) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for range mostOpen {
			w.made(ZIP, "98134")
		}
		if _, _, err := w.Make(ctx, "person/amy", "SH-1", ZIP, "98134", 0); !errors.Is(err, record.ErrRefused) {
			t.Errorf("one too many: %v", err)
		}
		w.not = true
		if _, _, err := w.Make(ctx, "person/amy", "SH-9", ZIP, "98134", 0); !errors.Is(err, record.ErrNotFound) {
			t.Errorf("no such shipment: %v", err)
		}
		if _, err := w.Revoke(ctx, "person/amy", "nobody", "x"); !errors.Is(err, record.ErrNotFound) {
			t.Errorf("no such link: %v", err)
		}
	})
}

func TestForgets(t *testing.T) {
	run(t, func(w *world) {
		w.made(ZIP, "98134")
		w.pass(Life + keptAfter - time.Hour)
		if err := w.Forget(ctx); err != nil || w.of().State != "expired" {
			t.Fatal(err)
		}
		w.pass(2 * time.Hour)
		if err := w.Forget(ctx); err != nil {
			t.Fatal(err)
		}
		if all, err := w.Of(ctx, "SH-1", "", 1); err != nil || len(all) != 0 {
			t.Errorf("%v %v", all, err)
		}
	})
}

func TestKeyFileIsNotTrustedBlindly(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	path := filepath.Join(t.TempDir(), "key")
	for name, do := range map[string]func() error{
		"short": func() error { return os.WriteFile(path, []byte("abc"), 0o600) },
		"open": func() error {
			return errors.Join(os.WriteFile(path, make([]byte, keyBytes), 0o600), os.Chmod(path, 0o644))
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if _, err := New(ctx, Options{Store: db, Key: path, Known: func(context.Context, string) (bool, error) { return true, nil }, Log: storetest.Logger(t)}); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}
