package access

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// memory is a Repository that forgets everything; it is held to the same
// contract as SQL. failing makes it fail: before a commit, or after it, which
// callers cannot tell apart.
type memory struct {
	mu      sync.Mutex
	state   memoryState
	failing func() (before, after error)
}

type memoryState struct {
	authorities []string
	gateways    map[string]Gateway
	codes       map[string]CodeState
	certs       map[string]Certificate
	keys        []SealKey
	events      []Event
}

func newMemory() *memory {
	return &memory{state: memoryState{gateways: map[string]Gateway{}, codes: map[string]CodeState{}, certs: map[string]Certificate{}}}
}

func (s memoryState) clone() memoryState {
	return memoryState{
		authorities: slices.Clone(s.authorities), gateways: maps.Clone(s.gateways), codes: maps.Clone(s.codes),
		certs: maps.Clone(s.certs), keys: slices.Clone(s.keys), events: slices.Clone(s.events),
	}
}

func (m *memory) Update(ctx context.Context, do func(context.Context, Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var before, after error
	if m.failing != nil {
		before, after = m.failing()
	}
	if before != nil {
		return before
	}
	next := m.state.clone()
	if err := do(ctx, &memoryTx{&next}); err != nil {
		return err
	}
	m.state = next
	return after
}

func (m *memory) Load(_ context.Context, after int64) (Known, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state.clone()
	k := Known{Authorities: s.authorities, SealKeys: s.keys}
	k.Gateways = slices.SortedFunc(maps.Values(s.gateways), func(a, b Gateway) int { return strings.Compare(a.ID, b.ID) })
	for _, c := range s.certs {
		if c.NotAfter > after {
			c.DER = nil
			k.Certificates = append(k.Certificates, c)
		}
	}
	slices.SortFunc(k.Certificates, func(a, b Certificate) int { return int(a.NotAfter - b.NotAfter) })
	return k, nil
}

func (m *memory) Events(_ context.Context, gateway string, before int64, limit int) (events []Event, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range slices.Backward(m.state.events) {
		if (gateway == "" || e.Gateway == gateway) && (before <= 0 || e.ID < before) && len(events) < limit {
			events = append(events, e)
		}
	}
	return events, nil
}

type memoryTx struct{ s *memoryState }

func get[T any](m map[string]T, key string) (T, error) {
	v, ok := m[key]
	if !ok {
		return v, fmt.Errorf("%q: %w", key, ErrNotFound)
	}
	return v, nil
}

func (t *memoryTx) Gateway(_ context.Context, id string) (Gateway, error) {
	return get(t.s.gateways, id)
}
func (t *memoryTx) SaveGateway(_ context.Context, g Gateway) error {
	t.s.gateways[g.ID] = g
	return nil
}
func (t *memoryTx) Code(_ context.Context, digest string) (CodeState, error) {
	return get(t.s.codes, digest)
}
func (t *memoryTx) SaveCode(_ context.Context, c CodeState) error {
	t.s.codes[c.Digest] = c
	return nil
}

func (t *memoryTx) VoidCodes(_ context.Context, gateway string, at int64) error {
	for k, c := range t.s.codes {
		if c.Gateway == gateway && c.Used == 0 && c.Void == 0 {
			c.Void = at
			t.s.codes[k] = c
		}
	}
	return nil
}

func (t *memoryTx) DropCodes(_ context.Context, before int64) error {
	maps.DeleteFunc(t.s.codes, func(_ string, c CodeState) bool { return c.Expires < before })
	return nil
}

func (t *memoryTx) Certificate(_ context.Context, serial string) (Certificate, error) {
	return get(t.s.certs, serial)
}
func (t *memoryTx) SaveCertificate(_ context.Context, c Certificate) error {
	t.s.certs[c.Serial] = c
	return nil
}

func (t *memoryTx) RevokeCertificates(_ context.Context, gateway string, at int64, reason string) error {
	for k, c := range t.s.certs {
		if c.Gateway == gateway && c.Revoked == 0 {
			c.Revoked, c.RevokedFor = at, reason
			t.s.certs[k] = c
		}
	}
	return nil
}

func (t *memoryTx) SealKeyOwner(_ context.Context, public ed25519.PublicKey) (string, error) {
	for _, k := range t.s.keys {
		if bytes.Equal(k.Public, public) {
			return k.Gateway, nil
		}
	}
	return "", nil
}

func (t *memoryTx) SaveSealKey(_ context.Context, k SealKey) error {
	for _, was := range t.s.keys {
		if bytes.Equal(was.Public, k.Public) || was.Gateway == k.Gateway && was.ID == k.ID {
			return errors.New("the key is there already")
		}
	}
	t.s.keys = append(t.s.keys, k)
	return nil
}

func (t *memoryTx) SaveAuthority(_ context.Context, fingerprint string, _ int64) error {
	t.s.authorities = append(t.s.authorities, fingerprint)
	return nil
}

func (t *memoryTx) AddEvent(_ context.Context, e Event) error {
	e.ID = int64(len(t.s.events)) + 1
	t.s.events = append(t.s.events, e)
	return nil
}
