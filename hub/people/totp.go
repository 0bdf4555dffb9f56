package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"frostline/hub/store"
)

// One-time codes are those of RFC 6238 as every authenticator app makes them:
// six digits of HMAC-SHA-1, a step of 30 s. A code of the step before and after
// is taken too, for clocks that are off.
const (
	totpPeriod = 30
	totpSkew   = 1
)

var totpOptions = totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// NewTOTP makes a secret of one-time codes. Nothing is kept before SetTOTP.
func NewTOTP() string {
	secret := make([]byte, 20)
	rand.Read(secret)
	return base32.StdEncoding.EncodeToString(secret)
}

// stepOf gives the step whose code it is, in a time that does not tell which
// digits are right; ok is false for a code of none.
func stepOf(secret, code string, now time.Time) (step int64, ok bool, err error) {
	code = strings.Join(strings.Fields(code), "")
	for d := int64(-totpSkew); d <= totpSkew; d++ {
		at := now.Add(time.Duration(d*totpPeriod) * time.Second)
		want, err := totp.GenerateCodeCustom(secret, at, totpOptions)
		if err != nil {
			return 0, false, fmt.Errorf("one-time code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at.Unix()/totpPeriod, true
		}
	}
	return step, ok, nil
}

// HasTOTP says whether a person has one-time codes.
func (k *Keeper) HasTOTP(ctx context.Context, person string) (bool, error) {
	var n int
	if err := k.db.QueryRow(ctx, `SELECT COUNT(*) FROM people_totp WHERE person = $1`, person).Scan(&n); err != nil {
		return false, fmt.Errorf("read one-time codes: %w", err)
	}
	return n > 0, nil
}

// SetTOTP gives a person one-time codes of a secret, in place of others, once a
// code shows that their app has it. That code is spent by it. The error wraps
// ErrRefused where it is none.
func (k *Keeper) SetTOTP(ctx context.Context, actor, person, secret, code string) error {
	step, ok, err := stepOf(secret, code, k.now())
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("one-time code: %w", ErrRefused)
	}
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := personOf(ctx, tx, person); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO people_totp (person, secret, since_ms, step) VALUES ($1, $2, $3, $4)
			ON CONFLICT (person) DO UPDATE SET secret = $2, since_ms = $3, step = $4`, person, secret, k.now().UnixMilli(), step); err != nil {
			return fmt.Errorf("keep one-time codes: %w", err)
		}
		return k.note(ctx, tx, actor, "codes_set", "person/"+person, "one-time codes by an authenticator app")
	})
}

// DropTOTP takes one-time codes from a person, as when their phone is lost.
func (k *Keeper) DropTOTP(ctx context.Context, actor, person string) error {
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM people_totp WHERE person = $1`, person)
		if err != nil {
			return fmt.Errorf("remove one-time codes: %w", err)
		}
		if n == 0 {
			return nil
		}
		return k.note(ctx, tx, actor, "codes_removed", "person/"+person, "one-time codes")
	})
}

// CheckTOTP takes a one-time code of a person. Each is taken once. The error
// wraps ErrRefused where it is none of theirs or spent, or is a WaitError after
// many wrong ones from the origin of ctx.
func (k *Keeper) CheckTOTP(ctx context.Context, person, code string) error {
	place := originOf(ctx)
	if wait := k.tries.begin("code of "+person, place, k.now()); wait > 0 {
		return &WaitError{wait}
	}
	var secret string
	err := k.db.QueryRow(ctx, `SELECT secret FROM people_totp WHERE person = $1`, person).Scan(&secret)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("one-time code: %w", ErrRefused)
	}
	if err != nil {
		return fmt.Errorf("read one-time codes: %w", err)
	}
	step, ok, err := stepOf(secret, code, k.now())
	if err != nil {
		return err
	}
	spent := true
	if ok {
		if err := k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.Exec(ctx, `UPDATE people_totp SET step = $2 WHERE person = $1 AND step < $2`, person, step)
			spent = n == 0
			return err
		}); err != nil {
			return fmt.Errorf("spend one-time code: %w", err)
		}
	}
	if !ok || spent {
		if k.refused.add(k.now()) {
			k.log.Warn("wrong one-time code", "person", person, "spent", ok, "origin", place)
		}
		return k.refusal(ctx, "code_refused", person, place)
	}
	k.tries.right("code of "+person, place, k.now())
	return nil
}

// refusal notes that somebody showed what is not a person's, and gives the
// error.
func (k *Keeper) refusal(ctx context.Context, action, person, place string) error {
	if err := k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return k.note(ctx, tx, "system/people", action, "person/"+person, "from "+place)
	}); err != nil {
		k.log.Error("what was refused is not in the trail", "person", person, "action", action, "error", err)
	}
	return fmt.Errorf("%s: %w", strings.ReplaceAll(action, "_", " "), ErrRefused)
}

// Key gives a key of 256 bits that stays the same, made when it is first asked
// for. Names are of letters, digits and dashes.
func (k *Keeper) Key(ctx context.Context, name string) (key []byte, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var text string
		err := tx.QueryRow(ctx, `SELECT secret FROM people_key WHERE name = $1`, name).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			key = make([]byte, 32)
			rand.Read(key)
			_, err = tx.Exec(ctx, `INSERT INTO people_key (name, secret, since_ms) VALUES ($1, $2, $3)`, name, base64.StdEncoding.EncodeToString(key), k.now().UnixMilli())
			return err
		}
		if err != nil {
			return err
		}
		if key, err = base64.StdEncoding.DecodeString(text); err == nil && len(key) != 32 {
			err = fmt.Errorf("%d bytes, want 32", len(key))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	return key, nil
}

// TOTPAddress is from where an authenticator app takes a secret, by a QR code.
func TOTPAddress(person, secret string) string {
	q := url.Values{"secret": {secret}, "issuer": {"Frostline"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {strconv.Itoa(totpPeriod)}}
	return "otpauth://totp/" + url.PathEscape("Frostline:"+person) + "?" + q.Encode()
}
