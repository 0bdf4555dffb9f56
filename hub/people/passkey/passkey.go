// Package passkey lets people show who they are by passkeys (WebAuthn level 3):
// to sign in, and to sign a document.
//
// It keeps nothing itself: what a ceremony began is given out as its state, to be
// brought back by the same browser, and is good for one success. Public keys are
// with hub/people. A passkey stands for its owner alone, so each use needs their
// PIN, finger or face, and a counter that runs backwards, as that of a copied
// key would, is refused.
package passkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"frostline/hub/people"
)

// Keeper keeps passkeys; *people.Keeper is one.
type Keeper interface {
	Person(ctx context.Context, id string) (people.Person, error)
	Passkeys(ctx context.Context, person string) ([]people.Passkey, error)
	AddPasskey(ctx context.Context, actor string, p people.Passkey) error
	UsePasskey(ctx context.Context, id string, credential []byte) error
	RefusePasskey(ctx context.Context, person string, why error) error
}

// Life is how long a ceremony may take. Who holds its state must not let it be
// brought back later.
const Life = 5 * time.Minute

// Desk checks passkeys for one hub. Its methods may be called from any
// goroutine.
type Desk struct {
	keeper Keeper
	auth   *webauthn.WebAuthn
	now    func() time.Time

	mu    sync.Mutex
	spent map[string]time.Time // challenges that have been met, until they are too old anyway
}

// New makes a Desk for a host name, such as localhost or hub.example, which
// passkeys are bound to, and the origin of its pages. now is nil for time.Now.
func New(name, origin string, keeper Keeper, now func() time.Time) (*Desk, error) {
	auth, err := webauthn.New(&webauthn.Config{
		RPID: name, RPDisplayName: "Frostline", RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: new(true), UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys of %s: %w", origin, err)
	}
	if now == nil {
		now = time.Now
	}
	return &Desk{keeper: keeper, auth: auth, now: now, spent: map[string]time.Time{}}, nil
}

// owner is a person with their passkeys.
type owner struct {
	person people.Person
	keys   []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return []byte(o.person.ID) }
func (o owner) WebAuthnName() string                       { return o.person.ID }
func (o owner) WebAuthnDisplayName() string                { return o.person.Name }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

func (d *Desk) owner(ctx context.Context, id string) (o owner, err error) {
	if o.person, err = d.keeper.Person(ctx, id); err != nil {
		return o, err
	}
	if o.person.Disabled != 0 {
		return o, fmt.Errorf("passkey: %w", people.ErrRefused)
	}
	keys, err := d.keeper.Passkeys(ctx, id)
	if err != nil {
		return o, err
	}
	for _, k := range keys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Credential, &c); err != nil {
			return o, fmt.Errorf("passkey %s of %s: %w", k.ID, id, err)
		}
		o.keys = append(o.keys, c)
	}
	return o, nil
}

// State is what a ceremony has begun with.
type State struct {
	Session webauthn.SessionData `json:"session"`
	Content string               `json:"content,omitempty"` // of a document that is signed
	Nonce   string               `json:"nonce,omitempty"`
}

// BeginAdd asks a person's browser to make a passkey. options are for
// navigator.credentials.create, as JSON.
func (d *Desk) BeginAdd(ctx context.Context, person string) (options any, state State, err error) {
	o, err := d.owner(ctx, person)
	if err != nil {
		return nil, state, err
	}
	var exclude []protocol.CredentialDescriptor
	for _, c := range o.keys {
		exclude = append(exclude, c.Descriptor())
	}
	creation, session, err := d.auth.BeginRegistration(o, webauthn.WithExclusions(exclude))
	if err != nil {
		return nil, state, fmt.Errorf("begin a passkey: %w", err)
	}
	return creation.Response, State{Session: *session}, nil
}

// Add gives a person the passkey that their browser has made, under a name. The
// error wraps people.ErrRefused where the browser's answer proves nothing.
func (d *Desk) Add(ctx context.Context, person, name string, state State, answer []byte) error {
	o, err := d.owner(ctx, person)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return refused(err)
	}
	c, err := d.auth.CreateCredential(o, state.Session, parsed)
	if err != nil {
		return refused(err)
	}
	if err := d.spend(state); err != nil {
		return err
	}
	record, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	return d.keeper.AddPasskey(ctx, "person/"+person, people.Passkey{ID: base64.RawURLEncoding.EncodeToString(c.ID), Person: person, Name: name, Credential: record})
}

// BeginSignIn asks a browser for any passkey of this hub, without saying who
// has one. options are for navigator.credentials.get, as JSON.
func (d *Desk) BeginSignIn() (options any, state State, err error) {
	assertion, session, err := d.auth.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, state, fmt.Errorf("begin to sign in: %w", err)
	}
	return assertion.Response, State{Session: *session}, nil
}

// SignIn gives whose passkey has answered. The error wraps people.ErrRefused
// where none of an enabled person has.
func (d *Desk) SignIn(ctx context.Context, state State, answer []byte) (people.Person, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return people.Person{}, refused(err)
	}
	var o owner
	_, c, err := d.auth.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		o, err = d.owner(ctx, string(handle))
		return o, err
	}, state.Session, parsed)
	if err != nil {
		if o.person.ID != "" {
			return people.Person{}, d.keeper.RefusePasskey(ctx, o.person.ID, err)
		}
		return people.Person{}, refused(err)
	}
	return d.used(ctx, o, c, state)
}

// BeginSign asks a person's browser for one of their passkeys, to sign a
// document. The challenge is the digest of the document's own and of a number
// used once, so that the answer stands for this document, and for now.
func (d *Desk) BeginSign(ctx context.Context, person, content string) (options any, state State, err error) {
	o, err := d.owner(ctx, person)
	if err != nil {
		return nil, state, err
	}
	if len(o.keys) == 0 {
		return nil, state, fmt.Errorf("passkey: %w: %s has none; add one at /me", people.ErrInvalid, person)
	}
	state.Content, state.Nonce = content, rand.Text()
	assertion, session, err := d.auth.BeginLogin(o, webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithChallenge(challenge(content, state.Nonce)))
	if err != nil {
		return nil, State{}, fmt.Errorf("begin to sign: %w", err)
	}
	state.Session = *session
	return assertion.Response, state, nil
}

// challenge of a signature.
func challenge(content, nonce string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "frostline signature\n%s\n%s\n", content, nonce))
	return sum[:]
}

// Sign makes sure that a person has answered for a document, by a ceremony that
// BeginSign began for both. The error wraps people.ErrRefused where they have
// not.
func (d *Desk) Sign(ctx context.Context, person, content string, state State, answer []byte) (people.Person, error) {
	o, err := d.owner(ctx, person)
	if errors.Is(err, people.ErrNotFound) || errors.Is(err, people.ErrInvalid) {
		err = refused(err)
	}
	if err != nil {
		return people.Person{}, err
	}
	want := protocol.URLEncodedBase64(challenge(content, state.Nonce)).String()
	if state.Content != content || state.Nonce == "" || state.Session.Challenge != want || !bytes.Equal(state.Session.UserID, []byte(person)) {
		return people.Person{}, d.keeper.RefusePasskey(ctx, person, errors.New("it was not begun for this document and person"))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return people.Person{}, refused(err)
	}
	c, err := d.auth.ValidateLogin(o, state.Session, parsed)
	if err != nil {
		return people.Person{}, d.keeper.RefusePasskey(ctx, person, err)
	}
	return d.used(ctx, o, c, state)
}

// used keeps what a use has changed of a passkey.
func (d *Desk) used(ctx context.Context, o owner, c *webauthn.Credential, state State) (people.Person, error) {
	if c.Authenticator.CloneWarning {
		return people.Person{}, d.keeper.RefusePasskey(ctx, o.person.ID, errors.New("its counter ran backwards: it may be a copy"))
	}
	if err := d.spend(state); err != nil {
		return people.Person{}, err
	}
	record, err := json.Marshal(c)
	if err != nil {
		return people.Person{}, fmt.Errorf("keep the use of a passkey: %w", err)
	}
	if err := d.keeper.UsePasskey(ctx, base64.RawURLEncoding.EncodeToString(c.ID), record); err != nil {
		return people.Person{}, err
	}
	return o.person, nil
}

// spend lets a challenge be met once. Only what was met is remembered, so that
// nobody can fill the memory by beginning.
func (d *Desk) spend(state State) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for c, until := range d.spent {
		if now.After(until) {
			delete(d.spent, c)
		}
	}
	if _, twice := d.spent[state.Session.Challenge]; twice {
		return fmt.Errorf("passkey: the answer was given before: %w", people.ErrRefused)
	}
	d.spent[state.Session.Challenge] = now.Add(2 * Life)
	return nil
}

// refused words what a browser's answer lacks.
func refused(err error) error {
	detail := err.Error()
	if p, ok := errors.AsType[*protocol.Error](err); ok && p.DevInfo != "" {
		detail += ": " + p.DevInfo
	}
	return fmt.Errorf("passkey: %w: %s", people.ErrRefused, detail)
}
