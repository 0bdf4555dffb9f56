package config

import (
	"fmt"
	"path/filepath"
	"strconv"

	"frostline/proto/thermal"
)

// Package is a package that has a storage profile of its own.
type Package struct {
	ID      string `yaml:"id"`      // as its code names it: SSCC of 18 digits, or label, 1 to 64 characters. Required; given again for each of several profiles.
	Profile string `yaml:"profile"` // as in Watch. Required.
}

// maxPackages bounds the packages that a gateway knows the profiles of.
const maxPackages = 1000

// ReadProfile gives the storage profile, and reads its file where it is in one.
func (p Package) ReadProfile() (thermal.Profile, error) {
	profile, err := Watch{Profile: p.Profile}.readProfile()
	if err != nil {
		return profile, fmt.Errorf("package %s: %w", p.ID, err)
	}
	return profile, nil
}

// packages checks what packages have profiles of their own. Files of profiles
// are not looked at.
func (v *validator) packages(c Config) {
	if len(c.Packages) > maxPackages {
		v.add("packages", strconv.Itoa(len(c.Packages)), fmt.Sprintf("one gateway knows the profiles of at most %d: leave some out", maxPackages))
		return
	}
	ids := map[Package]int{}
	for i, p := range c.Packages {
		at := fmt.Sprintf("packages[%d].", i)
		if !watchID.MatchString(p.ID) {
			v.add(at+"id", clip(p.ID), "want 1 to 64 letters, digits, '.', '_', ':' and '-', the first a letter or digit: the digits of its SSCC, or its label")
		} else if first, twice := ids[p]; twice {
			v.add(at+"id", p.ID, fmt.Sprintf("packages[%d] has that id and profile already: give each once", first))
		} else {
			ids[p] = i
		}
		switch {
		case p.Profile == "":
			v.add(at+"profile", "", "it is missing: want a ready-made profile such as refrigerated, or the absolute path of a file")
		case len(p.Profile) > maxProfile:
			v.add(at+"profile", fmt.Sprint(len(p.Profile), " bytes"), fmt.Sprintf("want at most %d bytes: put it into a file", maxProfile))
		case !filepath.IsAbs(p.Profile):
			if _, err := p.ReadProfile(); err != nil {
				v.add(at+"profile", clip(p.Profile), err.Error())
			}
		}
	}
}
