package desired

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"frostline/proto/mandate"
	"frostline/proto/thermal"
)

// Addition is what the hub adds by itself to what persons have set: what it knows
// of the packages that a gateway is beside, and where its vehicle goes.
type Addition struct {
	// Packages have storage profiles of their own, the most important first. One
	// of several profiles is there for each.
	Packages []Package
	NextStop *Stop // nil for none
}

// Package is a package and a profile that it is judged by. One that a gateway
// could not take is left out: of several thousand, or whose id is in no code.
type Package struct {
	ID      string // as its code names it
	Profile thermal.Profile
}

// Stop is where a vehicle goes next. It names no patient: the gateway's page is
// open to whoever is in the cab.
type Stop struct {
	Place string // 1 to 60 printable characters
	Due   int64  // UTC, Unix ms; 0: not said
}

// MaxPackages bounds the entries of an addition; a gateway takes no more.
const MaxPackages = 1000

// mark begins the line that ends what persons have set; the version follows that
// they set.
const mark = "# Added by the hub to version "

// Fields of the desired state that an addition gives, where persons do not.
const (
	packagesField = "packages"
	stopField     = "next-stop"
)

// split cuts a document into what persons have set, the version under which they
// did, and what was added. own is -1 where nothing was.
func split(document string) (persons string, own int64, added string) {
	at := marked.FindStringSubmatchIndex(document)
	if at == nil {
		return document, -1, ""
	}
	own, _ = strconv.ParseInt(document[at[2]:at[3]], 10, 64)
	return document[:at[0]], own, document[at[1]:]
}

var marked = regexp.MustCompile(`(?m)^` + mark + `([0-9]{1,16}):.*(?:\n|\z)`)

// join is the inverse of split.
func join(persons string, own int64, added string) string {
	whole := persons
	if whole != "" && !strings.HasSuffix(whole, "\n") {
		whole += "\n"
	}
	return whole + fmt.Sprintf("%s%d: packages that are or will be beside it, and its next stop.\n", mark, own) + added
}

// fields gives the names at the top of a document; ok is whether fields can be
// added at its end.
func fields(document string) (names map[string]bool, ok bool) {
	const probe = "added-here"
	file, err := parser.ParseBytes([]byte(document+"\n"+probe+": 1\n"), 0)
	if err != nil || len(file.Docs) != 1 {
		return nil, false
	}
	top, isMap := file.Docs[0].Body.(ast.MapNode)
	if !isMap {
		return nil, false
	}
	names = map[string]bool{}
	for it := top.MapRange(); it.Next(); {
		if key, isScalar := it.Key().(ast.ScalarNode); isScalar {
			name, _ := key.GetValue().(string)
			names[name] = true
		}
	}
	return names, names[probe]
}

// text writes an addition in no more than most bytes. left is how many packages
// have no place in it.
func (a Addition) text(given map[string]bool, most int) (text string, left int) {
	var tail strings.Builder
	if s := a.NextStop; s != nil && !given[stopField] {
		fmt.Fprintf(&tail, "%s:\n  place: %s\n", stopField, quoted(s.Place))
		if s.Due > 0 {
			fmt.Fprintf(&tail, "  due: %s\n", quoted(time.UnixMilli(s.Due).UTC().Format(time.RFC3339)))
		}
	}
	if tail.Len() > most {
		tail.Reset()
	}
	var b strings.Builder
	if !given[packagesField] && len(a.Packages) > 0 {
		most -= tail.Len() + len(packagesField) + 2
		n := 0
		for _, p := range a.Packages {
			profile := profileText(p.Profile)
			entry := fmt.Sprintf("  - id: %s\n    profile: %s\n", quoted(p.ID), quoted(profile))
			if n >= MaxPackages || b.Len()+len(entry) > most || !scannable.MatchString(p.ID) || len(profile) > maxProfile {
				left++
				continue
			}
			b.WriteString(entry)
			n++
		}
		if b.Len() > 0 {
			return packagesField + ":\n" + b.String() + tail.String(), left
		}
	}
	return tail.String(), left
}

// What a gateway takes of a package: an id that stands in a code, and a profile of
// so many bytes.
var scannable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

const maxProfile = 16 << 10

// profileText names a profile that every gateway has ready-made, and writes out
// any other.
func profileText(p thermal.Profile) string {
	digest, err := p.Digest()
	if ready, none := thermal.Named(p.ID); err == nil && none == nil {
		if d, err := ready.Digest(); err == nil && d == digest {
			return p.ID
		}
	}
	b, err := p.Canonical()
	if err != nil { // a profile that is none; the gateway says so
		return p.ID
	}
	return string(b)
}

// quoted is a text in YAML's single quotes.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Composed is what came of an addition.
type Composed struct {
	State State
	// Changed says that a new version was set.
	Changed bool
	// Left is how many packages had no place.
	Left int
	// Why the whole addition was left out; "" where it was not.
	Why string
}

// Compose sets what the hub adds to the desired state of a gateway in the name of
// actor; it takes the place of what was added before. A field that persons have
// set stays theirs, and all that they set stays as it is. Where the gateway has
// refused a state with an addition, it is given what persons have set alone until
// either is another. Where it undid one because nothing was acknowledged in time,
// it is given it again after retry. The error wraps ErrUnknown or is the store's.
func (k *Keeper) Compose(ctx context.Context, actor, reason, gateway string, a Addition, retry time.Duration) (Composed, error) {
	was, err := k.Get(ctx, gateway)
	if err != nil {
		return Composed{}, err
	}
	persons, own, _ := split(was.Document)
	if own < 0 {
		own = was.Version
	}
	c := Composed{State: was}
	given, ok := fields(persons)
	added := ""
	if ok {
		most := mandate.MaxDocument - len(join(persons, own, ""))
		added, c.Left = a.text(given, max(most, 0))
	} else if len(a.Packages) > 0 || a.NextStop != nil {
		c.Why = "nothing can be added at the end of what persons have set: write it as fields, each on a line of its own"
	}
	if added == "" && was.Version == own {
		return c, nil // and nothing was
	}
	document := join(persons, own, added)
	now := k.Standing(gateway)
	switch {
	case was.Document == document && now.Refused != was.Version:
		return c, nil
	case was.Document == document && !strings.HasPrefix(now.Reason, undone):
		k.decline(gateway, document)
	case was.Document == document && k.o.Now().UnixMilli()-was.Set < retry.Milliseconds():
		return c, nil
	}
	if k.declined(gateway, document) {
		c.Why = "the gateway refused it"
		if document = join(persons, own, ""); was.Document == document {
			return c, nil
		}
	}
	if c.State, err = k.set(ctx, actor, reason, gateway, document, was.Version); err != nil {
		return c, err
	}
	c.Changed = true
	return c, nil
}

// undone is what the reason of a gateway begins with that ran a state and went
// back from it.
const undone = "undone: "

func (k *Keeper) decline(gateway, document string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused[gateway] = document
}

func (k *Keeper) declined(gateway, document string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused[gateway] == document
}

// kept is a document that persons set, with what is added to the one it replaces
// as far as it is still to be.
func kept(document string, was State, version int64) string {
	persons, _, _ := split(document)
	_, own, added := split(was.Document)
	if own < 0 || added == "" {
		return persons
	}
	given, ok := fields(persons)
	if !ok {
		return persons
	}
	packages, stop := added, ""
	if at := strings.Index("\n"+added, "\n"+stopField+":"); at >= 0 {
		packages, stop = added[:at], added[at:]
	}
	if given[packagesField] {
		packages = ""
	}
	if given[stopField] {
		stop = ""
	}
	if packages+stop == "" || len(join(persons, version, packages+stop)) > mandate.MaxDocument {
		return persons
	}
	return join(persons, version, packages+stop)
}
