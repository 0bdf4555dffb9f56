package enrol

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func sample() Code {
	var c Code
	for i := range c.Secret {
		c.Secret[i], c.Fingerprint[i] = byte(i*17+3), byte(255-i*11)
	}
	return c
}

// The written form is on paper and in other people's scripts: it never changes.
const sampleText = "FL-20RM4-MV4EP-39FA5-SSBDY-SZGF2-0QZYK-MXXMY-8QPSA-F74HG-SXQ0S-ATHFX"

func TestCodeForm(t *testing.T) {
	text := sample().String()
	if !regexp.MustCompile(`^FL(-[0-9A-HJKMNP-TV-Z]{5}){11}$`).MatchString(text) {
		t.Errorf("%s is not of the form that is documented", text)
	}
	if text != sampleText {
		t.Errorf("written form is %s, want %s", text, sampleText)
	}
}

func TestCodeIsReadAsPeopleWriteIt(t *testing.T) {
	want := sample()
	for _, s := range []string{
		sampleText,
		strings.ToLower(sampleText),
		strings.ReplaceAll(sampleText, "-", ""),
		" " + strings.ReplaceAll(sampleText, "-", " ") + "\n",
		strings.ReplaceAll(sampleText, "-", "–"),
		strings.ReplaceAll(sampleText, "0", "O"),
		strings.ReplaceAll(strings.ReplaceAll(sampleText, "0", "o"), "1", "l"),
		"FL" + strings.ReplaceAll(sampleText[2:], "1", "I"),
	} {
		if got, err := ParseCode(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got == want, err)
		}
	}
}

func TestCodeSaysWhatIsWrong(t *testing.T) {
	for s, want := range map[string]string{
		"":                             "does not begin with FL-",
		"F":                            "does not begin with FL-",
		"XX" + sampleText[2:]:          "does not begin with FL-",
		sampleText[:len(sampleText)-1]: "54 characters",
		sampleText + "0":               "56 characters",
		strings.Replace(sampleText, "MV4EP", "MVUEP", 1): "'U' in group 2",
		strings.Replace(sampleText, "MV4EP", "MVäEP", 1): "'ä' in group 2",
		strings.Replace(sampleText, "MV4EP", "M4VEP", 1): "checksum",
		strings.Repeat("x", 1000):                        "1000 bytes",
	} {
		_, err := ParseCode(s)
		if !errors.Is(err, ErrCode) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want one that says %s", s, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "4EP") {
			t.Errorf("the error repeats the code: %v", err)
		}
	}
	var v bits
	v.put(2, 4)
	v.n = dataBits
	v.put(v.crc(dataBits), checkBits)
	text := prefix
	for i := range length {
		text += string(alphabet[v.get(i*5, 5)])
	}
	if _, err := ParseCode(text); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("a code of a later version: %v", err)
	}
}

// Every mistyped character and every swapped pair of neighbours is found.
func TestCodeFindsEveryTypo(t *testing.T) {
	plain := []byte(strings.ReplaceAll(sampleText, "-", ""))
	for i := len(prefix); i < len(plain); i++ {
		for _, c := range []byte(alphabet) {
			if c == plain[i] {
				continue
			}
			typo := append([]byte(nil), plain...)
			typo[i] = c
			if _, err := ParseCode(string(typo)); err == nil {
				t.Fatalf("character %d mistyped as %c is not found", i, c)
			}
		}
		if i+1 < len(plain) && plain[i] != plain[i+1] {
			typo := append([]byte(nil), plain...)
			typo[i], typo[i+1] = typo[i+1], typo[i]
			if _, err := ParseCode(string(typo)); err == nil {
				t.Fatalf("characters %d and %d swapped are not found", i, i+1)
			}
		}
	}
}

func TestCodeNamesItsAuthority(t *testing.T) {
	a, b := &x509.Certificate{Raw: []byte("a")}, &x509.Certificate{Raw: []byte("b")}
	c := NewCode(a)
	if !c.Names(a) || c.Names(b) {
		t.Error("a code does not tell authorities apart")
	}
	d := NewCode(a)
	if c.Secret == d.Secret || c.Digest() == d.Digest() {
		t.Error("two codes have one secret")
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(c.Secret[:])); c.Digest() != want {
		t.Errorf("digest %s, want %s", c.Digest(), want)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "code", c)
	if strings.Contains(log.String(), c.String()[3:8]) {
		t.Errorf("the log shows the code: %s", &log)
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add(sampleText)
	f.Add(strings.ToLower(sampleText))
	f.Add("FL-")
	f.Add(strings.ReplaceAll(sampleText, "-", "—"))
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			if !errors.Is(err, ErrCode) {
				t.Errorf("error %v does not wrap ErrCode", err)
			}
			return
		}
		again, err := ParseCode(c.String())
		if err != nil || again != c {
			t.Errorf("%q: written again it reads differently: %v", s, err)
		}
	})
}
