package people

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"frostline/hub/store"
)

func TestSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := t.Context()
		added(t, k, "ann", "qa")
		secret, s, err := k.Begin(ctx, "ann", ByPasskey, "a browser\x07 at \xff"+strings.Repeat("x", 500))
		if err != nil || len(secret) != secretLen || len(s.About) > mostAbout || strings.Contains(s.About, "\x07") || strings.Contains(s.About, "\xff") {
			t.Fatalf("got %+v %v", s, err)
		}
		good := func(secret string, use bool) bool {
			t.Helper()
			_, p, ok, err := k.Session(ctx, secret, use)
			if err != nil || ok && p.ID != "ann" {
				t.Fatalf("got %+v %v", p, err)
			}
			return ok
		}
		for _, wrong := range []string{"", "x", strings.Repeat("A", secretLen), secret + "A", digest(secret)[:secretLen]} {
			if good(wrong, true) {
				t.Errorf("%q is a session", wrong)
			}
		}
		// Looking does not keep it alive, using does.
		c.add(40 * time.Minute)
		if !good(secret, false) {
			t.Error("over after 40 min")
		}
		c.add(19 * time.Minute)
		if !good(secret, true) {
			t.Error("over after 59 min")
		}
		c.add(SessionIdle - time.Millisecond)
		if !good(secret, false) {
			t.Error("over before an hour")
		}
		c.add(time.Millisecond)
		if good(secret, true) {
			t.Error("good after an hour")
		}
		// The store never holds what a browser brings.
		rows, err := db.Query(ctx, `SELECT digest FROM people_session`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var d string
			if err := rows.Scan(&d); err != nil || strings.Contains(d, secret) {
				t.Errorf("the store has %q, %v", d, err)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		// So many of one person; the oldest goes.
		var all []string
		for range mostSessions + 3 {
			c.add(time.Second)
			one, _, err := k.Begin(ctx, "ann", ByPassword, "")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, one)
		}
		list, err := k.Sessions(ctx, "ann")
		if err != nil || len(list) != mostSessions || good(all[2], false) || !good(all[3], false) {
			t.Errorf("%d sessions %v, want %d, the newest", len(list), err, mostSessions)
		}
		if err := k.End(ctx, all[5]); err != nil || good(all[5], false) || !good(all[6], false) {
			t.Errorf("ending one: %v", err)
		}
		if err := k.End(ctx, "nothing"); err != nil {
			t.Error(err)
		}
		if err := k.EndAll(ctx, "person/ann", "ann"); err != nil || good(all[6], false) {
			t.Errorf("ending all: %v", err)
		}
		if _, err := k.Disable(ctx, "os/0", "ann", "left"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := k.Begin(ctx, "ann", ByPasskey, ""); !errors.Is(err, ErrRefused) {
			t.Errorf("a session of who is disabled: %v", err)
		}
		if _, _, err := k.Begin(ctx, "eve", ByPasskey, ""); !errors.Is(err, ErrNotFound) {
			t.Errorf("a session of nobody: %v", err)
		}
	})
}

func TestLinks(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := t.Context()
		first, l, ok, err := k.First(ctx)
		if err != nil || !ok || l.Kind != FirstLink || !slices.Equal(l.Roles, []string{"admin"}) {
			t.Fatalf("got %+v %t %v", l, ok, err)
		}
		second, _, _, err := k.First(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := k.Link(ctx, first); ok || err != nil {
			t.Errorf("a first link that was made anew: %t %v", ok, err)
		}
		// Many at once: one enters.
		var in sync.WaitGroup
		var mu sync.Mutex
		entered := 0
		for _, id := range []string{"a1", "a2", "a3", "a4", "a5", "a6"} {
			in.Go(func() {
				if _, err := k.Enter(ctx, second, id, "Name"); err == nil {
					mu.Lock()
					entered++
					mu.Unlock()
				} else if !errors.Is(err, ErrRefused) {
					t.Error(err)
				}
			})
		}
		in.Wait()
		if entered != 1 {
			t.Errorf("%d entered by one link", entered)
		}
		if _, _, ok, err := k.First(ctx); ok || err != nil {
			t.Errorf("a first link while somebody is entered: %t %v", ok, err)
		}

		if _, _, err := k.Invite(ctx, "os/0", "", "", nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("an invitation to nothing: %v", err)
		}
		secret, l, err := k.Invite(ctx, "person/root", "", "", []string{"qa"})
		if err != nil || l.Expires-l.Created != InviteLife.Milliseconds() {
			t.Fatalf("got %+v %v", l, err)
		}
		if _, err := k.Enter(ctx, secret, "../x", "X"); !errors.Is(err, ErrInvalid) {
			t.Errorf("no id: %v", err)
		}
		p, err := k.Enter(ctx, secret, "ann", "Ann")
		if err != nil || p.ID != "ann" || !slices.Equal(p.Roles, []string{"qa"}) {
			t.Fatalf("got %+v %v", p, err)
		}
		if _, err := k.Enter(ctx, secret, "bob", "Bob"); !errors.Is(err, ErrRefused) {
			t.Errorf("the same again: %v", err)
		}
		if _, err := k.Reauthenticate(ctx, "ann", ""); !errors.Is(err, ErrRefused) {
			t.Errorf("who has no password, by none: %v", err)
		}
		if has, err := k.HasPassword(ctx, "ann"); has || err != nil {
			t.Errorf("a password that nobody set: %t %v", has, err)
		}
		if _, _, err := k.Invite(ctx, "os/0", "ann", "", []string{"qa"}); !errors.Is(err, ErrExists) {
			t.Errorf("inviting who is entered: %v", err)
		}
		secret, _, err = k.SignInLink(ctx, "os/0", "ann")
		if err != nil {
			t.Fatal(err)
		}
		c.add(SignInLife)
		if _, ok, _ := k.Link(ctx, secret); ok {
			t.Error("a link is good after its time")
		}
		if secret, _, err = k.SignInLink(ctx, "os/0", "ann"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Disable(ctx, "os/0", "ann", "left"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Enable(ctx, "os/0", "ann", "back"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Enter(ctx, secret, "", ""); !errors.Is(err, ErrRefused) {
			t.Errorf("a link of before being disabled: %v", err)
		}
		trail, err := k.Trail(ctx, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range trail {
			if strings.Contains(e.Detail, secret) || strings.Contains(e.Detail, second) {
				t.Errorf("the trail tells a link: %+v", e)
			}
		}
	})
}

func TestCodes(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := WithOrigin(t.Context(), "desk")
		added(t, k, "ann", "qa")
		secret := NewTOTP()
		at := func(d time.Duration) string {
			code, err := totp.GenerateCode(secret, c.now().Add(d))
			if err != nil {
				t.Fatal(err)
			}
			return code
		}
		if err := k.CheckTOTP(ctx, "ann", at(0)); !errors.Is(err, ErrRefused) {
			t.Errorf("a code of who has none: %v", err)
		}
		if err := k.SetTOTP(ctx, "person/ann", "ann", secret, "12345"); !errors.Is(err, ErrRefused) {
			t.Errorf("set up by a wrong code: %v", err)
		}
		if err := k.SetTOTP(ctx, "person/ann", "ann", secret, at(0)); err != nil {
			t.Fatal(err)
		}
		if err := k.CheckTOTP(ctx, "ann", at(0)); !errors.Is(err, ErrRefused) {
			t.Errorf("the code of the setting up, again: %v", err)
		}
		c.add(totpPeriod * time.Second)
		late := at(-totpPeriod * time.Second)
		if err := k.CheckTOTP(ctx, "ann", " "+at(0)[:3]+" "+at(0)[3:]); err != nil {
			t.Errorf("the next, in groups: %v", err)
		}
		if err := k.CheckTOTP(ctx, "ann", late); !errors.Is(err, ErrRefused) {
			t.Errorf("an earlier code after a later: %v", err)
		}
		c.add(10 * time.Minute)
		// The same code many times at once is taken once.
		var in sync.WaitGroup
		var mu sync.Mutex
		taken, code := 0, at(0)
		for range 4 {
			in.Go(func() {
				if k.CheckTOTP(ctx, "ann", code) == nil {
					mu.Lock()
					taken++
					mu.Unlock()
				}
			})
		}
		in.Wait()
		if taken != 1 {
			t.Errorf("a code was taken %d times", taken)
		}
		c.add(10 * time.Minute)
		var wait *WaitError
		for range hereBurst + 1 {
			if err := k.CheckTOTP(WithOrigin(ctx, "elsewhere"), "ann", "000000"); errors.As(err, &wait) {
				break
			}
		}
		if wait == nil {
			t.Error("codes can be guessed at any speed")
		}
		if err := k.CheckTOTP(ctx, "ann", at(0)); err != nil {
			t.Errorf("at the desk while others guess: %v", err)
		}
		if err := k.DropTOTP(ctx, "os/0", "ann"); err != nil {
			t.Fatal(err)
		}
		if has, err := k.HasTOTP(ctx, "ann"); has || err != nil {
			t.Errorf("got %t %v", has, err)
		}
		a, err := k.Key(ctx, "pages")
		b, err2 := k.Key(ctx, "pages")
		if err != nil || err2 != nil || len(a) != 32 || !slices.Equal(a, b) {
			t.Errorf("a key that stays: %v %v", err, err2)
		}
	})
}

func TestFederated(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := t.Context()
		const issuer = "https://idp.example"
		added(t, k, "ann", "admin")
		p, err := k.Federated(ctx, issuer, "s1", "Ann@corp.example", "Ann", []string{"qa"})
		if err != nil || p.ID != "ann-2" || !slices.Equal(p.Roles, []string{"qa"}) {
			t.Fatalf("got %+v %v", p, err)
		}
		again, err := k.Federated(ctx, issuer, "s1", "other", "Other", []string{"qa"})
		if err != nil || again.ID != "ann-2" || again.Name != "Ann" || again.Version != p.Version {
			t.Errorf("again: %+v %v", again, err)
		}
		if other, err := k.Federated(ctx, "https://evil.example", "s1", "ann-2", "Ann", []string{"qa"}); err != nil || other.ID == "ann-2" || other.ID == "ann" {
			t.Errorf("the same subject of another issuer: %+v %v", other, err)
		}
		secret, _, err := k.Begin(ctx, "ann-2", ByProvider, "")
		if err != nil {
			t.Fatal(err)
		}
		if p, err = k.Federated(ctx, issuer, "s1", "", "", []string{"auditor"}); err != nil || !slices.Equal(p.Roles, []string{"auditor"}) {
			t.Errorf("other roles: %+v %v", p, err)
		}
		if _, _, ok, _ := k.Session(ctx, secret, false); ok {
			t.Error("a session of the roles before")
		}
		for what, roles := range map[string][]string{"none": nil, "god": {"god"}} {
			if _, err := k.Federated(ctx, issuer, "s9", "zed", "Zed", roles); err == nil {
				t.Errorf("%s: entered", what)
			}
		}
		if _, err := k.Person(ctx, "zed"); !errors.Is(err, ErrNotFound) {
			t.Errorf("who has no role is entered: %v", err)
		}
		if _, err := k.Disable(ctx, "os/0", "ann-2", "left"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Federated(ctx, issuer, "s1", "", "", []string{"qa"}); !errors.Is(err, ErrRefused) {
			t.Errorf("who is disabled here: %v", err)
		}
		for in, want := range map[string]string{"Ann.Example@x": "ann.example", "": "person", "../": "person", "Ünal": "nal", strings.Repeat("a", 200): strings.Repeat("a", 50)} {
			if got := idLike(in); got != want || checkID("id", got) != nil {
				t.Errorf("%q: %q, want %q", in, got, want)
			}
		}
	})
}

func TestPasskeys(t *testing.T) {
	onBoth(t, func(t *testing.T, k *Keeper, c *clock, db *store.DB) {
		ctx := t.Context()
		added(t, k, "ann", "qa")
		added(t, k, "bob", "qa")
		one := Passkey{ID: "k1", Person: "ann", Name: "laptop", Credential: []byte(`{"id":1}`)}
		if err := k.AddPasskey(ctx, "person/ann", one); err != nil {
			t.Fatal(err)
		}
		one.Person = "bob"
		if err := k.AddPasskey(ctx, "person/bob", one); !errors.Is(err, ErrExists) {
			t.Errorf("somebody else's passkey: %v", err)
		}
		if err := k.UsePasskey(ctx, "k1", []byte(`{"id":2}`)); err != nil {
			t.Fatal(err)
		}
		all, err := k.Passkeys(ctx, "ann")
		if err != nil || len(all) != 1 || string(all[0].Credential) != `{"id":2}` || all[0].Used == 0 {
			t.Errorf("got %+v %v", all, err)
		}
		if err := k.DropPasskey(ctx, "person/bob", "bob", "k1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("taking away somebody else's: %v", err)
		}
		if err := k.DropPasskey(ctx, "person/ann", "ann", "k1"); err != nil {
			t.Fatal(err)
		}
		if err := k.UsePasskey(ctx, "k1", nil); !errors.Is(err, ErrRefused) {
			t.Errorf("using one that is gone: %v", err)
		}
	})
}
