package story

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"frostline/hub/api"
)

// key is how somebody of the company shows who they are.
type key struct {
	Password string `json:"password,omitempty"` // of a person, to sign with
	Token    string `json:"token,omitempty"`    // of their program
}

// tokenLife is short of what a demonstration lives, long of what a story takes.
const tokenLife = 7 * 24 * time.Hour

// enter enters the people and partners, with passwords and tokens of their own.
func (t *Teller) enter(ctx context.Context, c company) error {
	hub := api.NewClient(t.o.Socket)
	for _, p := range c.People {
		k := t.keys[p.ID]
		if k.Password == "" {
			k.Password = rand.Text()
			if err := t.keep(p.ID, k); err != nil {
				return err
			}
		}
		_, err := hub.AddPerson(ctx, api.NewPerson{ID: p.ID, Name: p.Name, Roles: p.Roles, Password: k.Password})
		if taken := (*api.Problem)(nil); err != nil && !(errors.As(err, &taken) && taken.Status == http.StatusConflict) {
			return fmt.Errorf("enter %s: %w", p.ID, err)
		}
		if err := t.authorise(ctx, hub, p.ID, "person/"+p.ID, p.Scopes); err != nil {
			return err
		}
	}
	for _, p := range c.Partners {
		if err := t.authorise(ctx, hub, p.ID, "partner/"+p.ID, p.Scopes); err != nil {
			return err
		}
	}
	return nil
}

func (t *Teller) authorise(ctx context.Context, hub *api.Client, id, actor string, scopes []string) error {
	k := t.keys[id]
	if k.Token != "" {
		return nil
	}
	made, err := hub.NewToken(ctx, api.NewToken{Name: "demonstration", Actor: actor, Scopes: scopes, LifeMs: tokenLife.Milliseconds()})
	if err != nil {
		return fmt.Errorf("make a token for %s: %w", id, err)
	}
	k.Token = made.Secret
	return t.keep(id, k)
}

// KeyFile is where the passwords of the people are kept, readable by the owner
// alone.
func (t *Teller) KeyFile() string { return filepath.Join(t.o.Dir, "people.json") }

func (t *Teller) keep(id string, k key) error {
	t.keys[id] = k
	return write(t.KeyFile(), t.keys)
}

// write replaces a file that only its owner may read.
func write(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// read fills v from a file, and leaves it alone where there is none.
func read(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
