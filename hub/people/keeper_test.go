package people

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, k *Keeper, c *clock, db *store.DB)) {
	run := func(t *testing.T, url string) {
		db, err := store.Open(t.Context(), url, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		c := &clock{t: time.UnixMilli(1_790_000_000_000)}
		k, err := New(Options{Store: db, Log: slog.New(slog.DiscardHandler), Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		test(t, k, c, db)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db")) })
	t.Run("postgres", func(t *testing.T) { run(t, storetest.Postgres(t)) })
}

const phrase = "correct horse battery"

func added(t *testing.T, k *Keeper, id string, roles ...string) Person {
	t.Helper()
	p, err := k.Add(t.Context(), "os/0", id, "Printed "+id, roles, phrase)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPersons(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := t.Context()
		added(t, k, "ann", "qa", "auditor")
		added(t, k, "bob", "dispatcher")
		if _, err := k.Add(ctx, "os/0", "ann", "Another", []string{"qa"}, phrase); !errors.Is(err, ErrExists) {
			t.Errorf("same id again: got %v, want ErrExists", err)
		}
		p, err := k.Person(ctx, "ann")
		if err != nil || p.Name != "Printed ann" || !slices.Equal(p.Roles, []string{"auditor", "qa"}) || !slices.Equal(p.Scopes(), []string{"epcis:query", "qa", "read", "write"}) || p.Version != 1 {
			t.Errorf("got %+v %v", p, err)
		}
		if _, err := k.Person(ctx, "eve"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		if all, err := k.People(ctx, "ann", 10); err != nil || len(all) != 1 || all[0].ID != "bob" {
			t.Errorf("after ann: got %+v %v, want bob", all, err)
		}
		if p, err = k.SetRoles(ctx, "person/bob", "ann", []string{"auditor"}); err != nil || p.Version != 2 || p.Has("qa") || !p.Has("auditor") {
			t.Errorf("other roles: got %+v %v", p, err)
		}
		for range 2 { // the second has no effect
			if p, err = k.Disable(ctx, "person/bob", "ann", "left"); err != nil || p.Version != 3 || p.Has("auditor") || p.Scopes() != nil {
				t.Errorf("disabled: got %+v %v", p, err)
			}
		}
		if p, err = k.Enable(ctx, "person/bob", "ann", "is back"); err != nil || p.Version != 4 || !p.Has("auditor") {
			t.Errorf("enabled: got %+v %v", p, err)
		}
		var got []string
		trail, err := k.Trail(ctx, 0, 100)
		back, wrong := k.TrailBefore(ctx, 0, 2)
		if more, _ := k.TrailBefore(ctx, back[1].ID, 100); wrong != nil || back[0] != trail[len(trail)-1] || len(more) != len(trail)-2 {
			t.Errorf("backwards: %v, then %d, of %d; %v", back, len(more), len(trail), wrong)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range trail {
			got = append(got, c.Actor+" "+c.Action+" "+c.Subject)
			if strings.Contains(c.Detail, phrase) {
				t.Errorf("the trail tells a password: %+v", c)
			}
		}
		want := []string{"os/0 person_added person/ann", "os/0 person_added person/bob", "person/bob roles_changed person/ann", "person/bob person_disabled person/ann", "person/bob person_enabled person/ann"}
		if !slices.Equal(got, want) {
			t.Errorf("trail: got %q, want %q", got, want)
		}
	})
}

func TestRefusesWhatCannotBe(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		for what, in := range map[string]struct {
			id, name, password string
			roles              []string
		}{
			"id":                   {"Ann", "Ann", phrase, []string{"qa"}},
			"path":                 {"../ann", "Ann", phrase, []string{"qa"}},
			"no name":              {"ann", "", phrase, []string{"qa"}},
			"control character":    {"ann", "A\x00nn", phrase, []string{"qa"}},
			"not UTF-8":            {"ann", "A\xffnn", phrase, []string{"qa"}},
			"no role":              {"ann", "Ann", phrase, nil},
			"role":                 {"ann", "Ann", phrase, []string{"god"}},
			"role twice":           {"ann", "Ann", phrase, []string{"qa", "qa"}},
			"no password":          {"ann", "Ann", "", []string{"qa"}},
			"short":                {"ann", "Ann", "elevenchars", []string{"qa"}},
			"long":                 {"ann", "Ann", strings.Repeat("long ", 200), []string{"qa"}},
			"contains the id":      {"ann", "Ann", "password of ANN", []string{"qa"}},
			"one character":        {"ann", "Ann", "aaaaaaaaaaaaaaaa", []string{"qa"}},
			"control in password":  {"ann", "Ann", "correct horse\x07battery", []string{"qa"}},
			"not UTF-8 (password)": {"ann", "Ann", "correct horse\xffbattery", []string{"qa"}},
		} {
			if _, err := k.Add(t.Context(), "os/0", in.id, in.name, in.roles, in.password); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: got %v, want ErrInvalid", what, err)
			} else if in.password != "" && strings.Contains(err.Error(), in.password) {
				t.Errorf("%s: the error tells the password: %v", what, err)
			}
		}
		if all, _ := k.People(t.Context(), "", 10); len(all) != 0 {
			t.Errorf("added %+v", all)
		}
	})
}

func TestReauthenticate(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := WithOrigin(t.Context(), "desk")
		added(t, k, "ann", "qa")
		if p, err := k.Reauthenticate(ctx, "ann", phrase); err != nil || p.ID != "ann" {
			t.Fatalf("got %+v %v", p, err)
		}
		// A password is the same however a keyboard composes it.
		if _, err := k.SetPassword(ctx, "os/0", "ann", "caf\u00e9 correct horse"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Reauthenticate(ctx, "ann", "cafe\u0301 correct horse"); err != nil {
			t.Errorf("the same, composed otherwise: %v", err)
		}
		for _, wrong := range [][2]string{{"ann", phrase}, {"eve", phrase}, {"", ""}, {"ann", strings.Repeat("x", 10_000)}, {strings.Repeat("x", 10_000), "x"}} {
			if p, err := k.Reauthenticate(ctx, wrong[0], wrong[1]); !errors.Is(err, ErrRefused) || p.ID != "" {
				t.Errorf("%.10q %.10q: got %+v %v, want ErrRefused", wrong[0], wrong[1], p, err)
			}
		}
		if _, err := k.Disable(ctx, "os/0", "ann", "left"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Reauthenticate(ctx, "ann", "caf\u00e9 correct horse"); !errors.Is(err, ErrRefused) {
			t.Errorf("disabled: got %v, want ErrRefused", err)
		}
		if k.Refused() != 6 {
			t.Errorf("counted %d refusals, want 6", k.Refused())
		}
		trail, _ := k.Trail(ctx, 0, 100)
		refusals := 0
		for _, c := range trail {
			if c.Action == "password_refused" {
				refusals++
			}
		}
		if refusals != 2 { // of a person who is there and enabled
			t.Errorf("the trail has %d refusals, want 2", refusals)
		}
		// The others are counted alike, for as long as it is told.
		if n, last, err := k.Strangers(ctx); err != nil || n != 4 || last != c.now().UnixMilli() {
			t.Errorf("%d of unknown persons, the last at %d %v, want 4", n, last, err)
		}
		c.add(StrangersKept + 24*time.Hour)
		if n, last, err := k.Strangers(ctx); err != nil || n != 0 || last != 0 {
			t.Errorf("after 91 days %d of unknown persons, the last at %d %v, want none", n, last, err)
		}
		if _, err := k.Reauthenticate(ctx, "eve", phrase); !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
		var rows int
		if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM people_stranger`).Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d days are kept %v, want 1", rows, err)
		}
	})
}

func TestGuessing(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		added(t, k, "ann", "qa")
		desk, other := WithOrigin(t.Context(), "desk"), WithOrigin(t.Context(), "elsewhere")
		if _, err := k.Reauthenticate(desk, "ann", phrase); err != nil {
			t.Fatal(err)
		}
		guess := func(ctx context.Context) (n int) {
			for range 100 {
				var wait *WaitError
				_, err := k.Reauthenticate(ctx, "ann", "a wrong guess of it")
				if errors.As(err, &wait) && wait.RetryAfter() > 0 {
					return n
				}
				if !errors.Is(err, ErrRefused) {
					t.Fatalf("got %v", err)
				}
				n++
			}
			return n
		}
		if n := guess(other); n != hereBurst {
			t.Errorf("%d guesses from one origin, want %d", n, hereBurst)
		}
		// Guessing from many places ends as well.
		total := hereBurst
		for i := range 10 {
			total += guess(WithOrigin(t.Context(), string(rune('a'+i))))
		}
		if total != allBurst {
			t.Errorf("%d guesses from everywhere, want %d", total, allBurst)
		}
		// The person signs on where they have before, and nowhere new yet.
		if _, err := k.Reauthenticate(desk, "ann", phrase); err != nil {
			t.Errorf("at the desk while others guess: %v", err)
		}
		var wait *WaitError
		if _, err := k.Reauthenticate(WithOrigin(t.Context(), "new"), "ann", phrase); !errors.As(err, &wait) {
			t.Errorf("from a new place while others guess: got %v, want a WaitError", err)
		}
		c.add(wait.Wait)
		if _, err := k.Reauthenticate(WithOrigin(t.Context(), "new"), "ann", phrase); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := t.Context()
		added(t, k, "ann", "qa")
		secret, tok, err := k.NewToken(ctx, "os/0", "for the scanner", "person/ann", []string{"write", "read"}, time.Hour*24)
		if err != nil {
			t.Fatal(err)
		}
		want := func(what, token, actor string, ok bool, scopes ...string) {
			t.Helper()
			a, s, good, err := k.Authenticate(ctx, token)
			if err != nil || good != ok || a != actor || !slices.Equal(s, scopes) {
				t.Errorf("%s: got %q %v %v %v, want %q %v %v", what, a, s, good, err, actor, scopes, ok)
			}
		}
		want("new", secret, "person/ann", true, "read", "write")
		other, _ := newToken()
		want("of nobody", other, "", false)
		swapped := secret[:len(secret)-sumChars-1] + "a"
		if swapped == secret[:len(secret)-sumChars] {
			swapped = secret[:len(secret)-sumChars-1] + "b"
		}
		want("another secret", swapped+sum(swapped), "", false)
		want("mistyped", secret[:len(secret)-1]+"1", "", false)
		if list, err := k.Tokens(ctx, "", 10); err != nil || len(list) != 1 || list[0].Used == 0 || list[0].Used > c.now().UnixMilli() {
			t.Errorf("list: %+v %v, want one that was used", list, err)
		}
		var kept string
		if err := db.QueryRow(ctx, `SELECT digest FROM people_token`).Scan(&kept); err != nil || strings.Contains(secret, kept) || len(kept) != 64 {
			t.Errorf("kept %q %v", kept, err)
		}
		// What the roles no longer allow, the token no longer can.
		if _, err := k.SetRoles(ctx, "os/0", "ann", []string{"auditor"}); err != nil {
			t.Fatal(err)
		}
		want("with lesser roles", secret, "person/ann", true, "read")
		if _, err := k.Disable(ctx, "os/0", "ann", "left"); err != nil {
			t.Fatal(err)
		}
		want("of one disabled", secret, "", false)
		if _, err := k.Enable(ctx, "os/0", "ann", "back"); err != nil {
			t.Fatal(err)
		}
		c.add(24*time.Hour - time.Millisecond)
		want("just before its end", secret, "person/ann", true, "read")
		c.add(time.Millisecond)
		want("over", secret, "", false)

		partner, tok, err := k.NewToken(ctx, "os/0", "courier", "partner/fast-3pl", []string{"read"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want("partner", partner, "partner/fast-3pl", true, "read")
		for range 2 {
			if tok, err = k.Revoke(ctx, "os/0", tok.ID, "lost"); err != nil || tok.Revoked == 0 {
				t.Errorf("revoke: %+v %v", tok, err)
			}
		}
		want("revoked", partner, "", false)
		if _, err := k.Revoke(ctx, "os/0", "nosuch", "lost"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		trail, _ := k.Trail(ctx, 0, 100)
		n := 0
		for _, c := range trail {
			if strings.HasPrefix(c.Subject, "token/") {
				n++
			}
			if strings.Contains(c.Detail, secret) || strings.Contains(c.Detail, partner) {
				t.Errorf("the trail tells a token: %+v", c)
			}
		}
		if n != 3 {
			t.Errorf("the trail has %d entries about tokens, want 3", n)
		}
	})
}

func TestTokensAreForWhatRolesAllow(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		added(t, k, "ann", "warehouse")
		for what, in := range map[string]struct {
			name, actor string
			scopes      []string
			life        time.Duration
			want        error
		}{
			"scope of other roles": {"n", "person/ann", []string{"qa"}, time.Hour, ErrInvalid},
			"unknown scope":        {"n", "person/ann", []string{"all"}, time.Hour, ErrInvalid},
			"no scope":             {"n", "person/ann", nil, time.Hour, ErrInvalid},
			"admin partner":        {"n", "partner/x", []string{"admin"}, time.Hour, ErrInvalid},
			"nobody":               {"n", "person/eve", []string{"read"}, time.Hour, ErrNotFound},
			"no kind":              {"n", "ann", []string{"read"}, time.Hour, ErrInvalid},
			"system":               {"n", "system/x", []string{"read"}, time.Hour, ErrInvalid},
			"for ever":             {"n", "person/ann", []string{"read"}, MostLife + time.Hour, ErrInvalid},
			"over at once":         {"n", "person/ann", []string{"read"}, 0, ErrInvalid},
			"no name":              {"", "person/ann", []string{"read"}, time.Hour, ErrInvalid},
		} {
			if secret, _, err := k.NewToken(t.Context(), "os/0", in.name, in.actor, in.scopes, in.life); !errors.Is(err, in.want) || secret != "" {
				t.Errorf("%s: got %q %v, want %v", what, secret, err, in.want)
			}
		}
	})
}

func FuzzParseToken(f *testing.F) {
	token, _ := newToken()
	for _, s := range []string{token, "", "frl_", strings.ToUpper(token), token[:len(token)-1], token + "a", strings.Repeat("frl_", 15)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseToken(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || id != "" || len(s) > 8 && strings.Contains(err.Error(), s) {
				t.Fatalf("%q: %q %v", s, id, err)
			}
			return
		}
		if !strings.HasPrefix(s, tokenPrefix+id+"_") || len(s) != tokenLen || strings.Trim(s[len(tokenPrefix):], alphabet+"_") != "" {
			t.Fatalf("%q is taken for a token with id %q", s, id)
		}
	})
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Add("$argon2id$v=19$m=4294967295,t=9,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Fuzz(func(t *testing.T, s string) {
		c, salt, hash, err := parsePHC(s)
		if err == nil && (c.memory > 256<<10 || c.passes > 16 || len(salt) < 8 || len(hash) < 16) {
			t.Fatalf("%q: %+v", s, c)
		}
	})
}
