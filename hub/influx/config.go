package influx

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"frostline/proto/reading"
)

// Config says where to write.
type Config struct {
	URL    string `yaml:"url"`    // http://HOST:8086 or https://HOST
	Org    string `yaml:"org"`    // organisation; any word for version 1
	Bucket string `yaml:"bucket"` // "DATABASE/RETENTION-POLICY" for version 1
	// TokenFile holds the token, or USER:PASSWORD for version 1. It must not be
	// readable by others.
	TokenFile string `yaml:"token_file"`
}

// On reports whether anything is to be written at all.
func (c Config) On() bool { return c.URL != "" }

// Validate reports every problem at once, each with field, value and remedy.
func (c Config) Validate() error {
	if !c.On() {
		if c != (Config{}) {
			return errors.New("influx.url: empty: name the server, or leave all of influx out")
		}
		return nil
	}
	var errs []error
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		errs = append(errs, fmt.Errorf("influx.url: %q: want http://HOST:PORT or https://HOST, without user and password", c.URL))
	}
	if c.Bucket == "" {
		errs = append(errs, errors.New("influx.bucket: empty: name the bucket to write to"))
	}
	if strings.ContainsAny(c.Org+c.Bucket, "\x00\n") {
		errs = append(errs, errors.New("influx.org, influx.bucket: want a line of text without control characters"))
	}
	return errors.Join(errs...)
}

// target names the destination in the store: another bucket begins from the
// first parcel.
func (c Config) target() string { return strings.TrimRight(c.URL, "/") + "|" + c.Org + "|" + c.Bucket }

// token reads the secret.
func (c Config) token() (string, error) {
	if c.TokenFile == "" {
		return "", nil
	}
	info, err := os.Stat(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("influx.token_file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("influx.token_file: %s has mode %04o: others could read it, use chmod 600", c.TokenFile, info.Mode().Perm())
	}
	b, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("influx.token_file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Meaning is what a series id stands for.
type Meaning struct {
	Sensor   string
	Quantity reading.Quantity
}

// Options are the parts that a Writer works with.
type Options struct {
	Config   Config
	Store    Store
	Evidence Evidence
	Times    Times
	// Meaning tells what a series id stands for; ok is false where nobody has
	// told yet.
	Meaning func(gateway string, epoch, series uint32) (m Meaning, ok bool)
	Log     *slog.Logger
	Now     func() time.Time // default time.Now
	Points  int              // in a batch, at most; default 5000, as InfluxDB advises
	Retry   time.Duration    // pause after a first failure, doubled up to 60 times; default 1 s
}
