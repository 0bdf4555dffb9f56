// Package identity is who a gateway is: the keys it made itself, the
// certificate the hub gave it for them, and where the hub is.
//
// All of it is one file, identity.json, readable by its owner alone, that is
// only ever replaced whole: written beside, synced, renamed over, directory
// synced. A power cut at any instant leaves the former or the new one. While a
// gateway is being enrolled its new keys are in pending.json, so that a request
// whose answer was lost is sent again with the same keys, which the hub
// answers again.
//
// The seal key (Ed25519) is made at enrolment and stays until the next one;
// the TLS key (ECDSA P-256) is made anew at each renewal. Neither ever leaves
// the device.
//
// Time: a gateway may believe it is 1970. The hub's certificate is judged at
// the latest moment known to have passed, and one that is only not yet valid is
// taken, because a clock that is behind is the common failure and costs nothing
// here. One that has expired is not.
package identity

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"frostline/edge/disk"
	"frostline/proto/chain"
	"frostline/proto/enrol"
)

// ErrNotEnrolled is returned by what needs a certificate when there is none.
var ErrNotEnrolled = errors.New("gateway is not enrolled: get a code with \"frostline enrol GATEWAY\" at the hub and run \"frostline-edge enrol\" here")

// Options configure an Identity.
type Options struct {
	Dir string           // directory of the identity's own; created with mode 0700
	Now func() time.Time // the best known time; time.Now when nil
	Log *slog.Logger     // required
}

// Identity is a gateway's identity. It is safe for concurrent use.
type Identity struct {
	dir  string
	disk disk.Disk
	now  func() time.Time
	log  *slog.Logger
	send func(ctx context.Context, base *url.URL, path string, config *tls.Config, body any) (enrol.Response, error)

	writing sync.Mutex // held by whoever is about to replace the file

	mu      sync.RWMutex
	current *current    // nil when not enrolled; never changed, only replaced
	file    fs.FileInfo // that current was read from
	unsaved []byte      // what the disk did not take; nil when all is written
	trouble error       // why the last renewal failed; nil after one that did not
}

// current is what a file says, in use. It is never changed.
type current struct {
	text     []byte // the file
	settings settings
	cert     *x509.Certificate
	pair     tls.Certificate
	seal     ed25519.PrivateKey
	hubCA    *x509.CertPool
	mqttCA   *x509.CertPool
	// sessions are resumed with the certificate they began with, so that each
	// certificate has its own.
	sessions tls.ClientSessionCache
}

// Open reads the identity in a directory. A directory without one is no error:
// Enrolled says so. A file that cannot be read is: it is left as it is.
func Open(o Options) (*Identity, error) {
	return open(o, disk.Real{})
}

func open(o Options, d disk.Disk) (*Identity, error) {
	if o.Dir == "" || o.Log == nil {
		return nil, errors.New("identity: directory and log are needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	i := &Identity{dir: o.Dir, disk: d, now: o.Now, log: o.Log, send: post}
	if _, err := i.reload(); err != nil {
		return nil, err
	}
	return i, nil
}

// Enrolled says whether there is a certificate.
func (i *Identity) Enrolled() bool { return i.get() != nil }

func (i *Identity) get() *current {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.current
}

// Gateway is the gateway's id; empty when it is not enrolled.
func (i *Identity) Gateway() string {
	if c := i.get(); c != nil {
		return c.settings.Gateway
	}
	return ""
}

// MQTT gives host:port of the MQTT listeners the hub told, the preferred one
// first; none when not enrolled.
func (i *Identity) MQTT() []string {
	if c := i.get(); c != nil {
		return append([]string(nil), c.settings.MQTT...)
	}
	return nil
}

// MandateKey is the hub's key by which desired state and commands are checked;
// nil while the gateway is not enrolled, or was by a hub that gave none: it comes
// with the next renewal then.
func (i *Identity) MandateKey() ed25519.PublicKey {
	if c := i.get(); c != nil {
		return c.settings.MandateKey
	}
	return nil
}

// Signer signs seals. It keeps its key when the gateway is enrolled again while
// it is in use: the hub knows former keys too.
func (i *Identity) Signer() (crypto.Signer, error) {
	c := i.get()
	if c == nil {
		return nil, ErrNotEnrolled
	}
	return c.seal, nil
}

// Info is what there is to show about an identity; it holds no secrets.
type Info struct {
	Enrolled  bool
	Gateway   string
	Hub       string   // URL of the enrolment listener
	MQTT      []string // host:port
	Issuer    string
	Serial    string // hex
	NotBefore time.Time
	NotAfter  time.Time
	RenewAt   time.Time // when two thirds of its life have passed
	SealKeyID string    // hex
	// Trouble is why the last attempt to renew failed; nil after success.
	Trouble error
}

// Certificate describes the present identity, for doctor and status.
func (i *Identity) Certificate() Info {
	i.mu.RLock()
	defer i.mu.RUnlock()
	c := i.current
	if c == nil {
		return Info{Trouble: i.trouble}
	}
	return Info{
		Enrolled: true, Gateway: c.settings.Gateway, Hub: c.settings.Hub, MQTT: append([]string(nil), c.settings.MQTT...),
		Issuer: c.cert.Issuer.CommonName, Serial: hex.EncodeToString(c.cert.SerialNumber.Bytes()),
		NotBefore: c.cert.NotBefore, NotAfter: c.cert.NotAfter, RenewAt: renewAt(c.cert),
		SealKeyID: hex.EncodeToString(chain.KeyID(c.seal.Public().(ed25519.PublicKey))), Trouble: i.trouble,
	}
}

// renewAt is when two thirds of a certificate's life have passed.
func renewAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) * 2 / 3)
}

const (
	identityFile = "identity.json"
	pendingFile  = "pending.json"
)

func (i *Identity) path(name string) string { return filepath.Join(i.dir, name) }

// reload reads the file if it is another than the one in use, as after an
// enrolment by another process.
func (i *Identity) reload() (changed bool, err error) {
	path := i.path(identityFile)
	now, err := i.disk.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // one in use stays in use
	}
	if err != nil {
		return false, fmt.Errorf("identity: %w", err)
	}
	i.mu.RLock()
	same := i.current != nil && i.file != nil && os.SameFile(i.file, now) && i.file.ModTime().Equal(now.ModTime()) && i.file.Size() == now.Size()
	i.mu.RUnlock()
	if same {
		return false, nil
	}
	b, err := i.disk.Read(path)
	if err != nil {
		return false, fmt.Errorf("identity: %w", err)
	}
	if was := i.get(); was != nil && bytes.Equal(was.text, b) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.file = now
		return false, nil
	}
	c, err := parse(b)
	if err != nil {
		return false, fmt.Errorf("identity: %s is damaged (%w): restore it, or move it away and enrol the gateway again", path, err)
	}
	if now.Mode().Perm()&0o077 != 0 {
		i.log.Warn("the gateway's private keys can be read by others", "file", path, "mode", now.Mode().Perm(), "remedy", "chmod 600 "+path)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.current, i.file, i.unsaved = c, now, nil
	return true, nil
}

// keep puts settings on disk and in use. When the disk does not take them they
// are used all the same, the error says so, and Run tries again.
func (i *Identity) keep(s settings) error {
	b, err := s.encode()
	if err != nil {
		return err
	}
	c, err := parse(b)
	if err != nil {
		return err
	}
	i.mu.Lock()
	i.current = c
	i.mu.Unlock()
	return i.save(b)
}

// save writes the file, and notes what is there then, so that reload does not
// take an older one for news.
func (i *Identity) save(b []byte) error {
	path := i.path(identityFile)
	failed := disk.Put(i.disk, path, b)
	now, err := i.disk.Stat(path)
	if err != nil {
		now = nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.file, i.unsaved = now, nil
	if failed != nil {
		i.unsaved = b
		return fmt.Errorf("keep identity: %w", failed)
	}
	return nil
}

// saveAgain writes what could not be written before, if anything.
func (i *Identity) saveAgain() error {
	i.writing.Lock()
	defer i.writing.Unlock()
	i.mu.RLock()
	b := i.unsaved
	i.mu.RUnlock()
	if b == nil {
		return nil
	}
	return i.save(b)
}
