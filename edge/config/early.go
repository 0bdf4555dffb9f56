package config

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"frostline/proto/release"
)

const maxReleaseKeys = 4

func (v *validator) update(u Update) {
	if len(u.Keys) > maxReleaseKeys {
		v.add("update.keys", strconv.Itoa(len(u.Keys)), fmt.Sprintf("want at most %d", maxReleaseKeys))
	}
	for i, k := range u.Keys {
		if _, err := release.ParsePublic(k); err != nil {
			v.add(fmt.Sprintf("update.keys[%d]", i), k, "want frostline-release: and 43 characters, as frostline release key prints it")
		}
	}
	v.span("update.connected", u.Connected, 5*time.Second, 24*time.Hour)
	v.span("update.alone", u.Alone, 5*time.Second, 7*24*time.Hour)
}

// Early reads what has to be known before anything else can go wrong: the data
// directory and whose releases run. What is wrong with the rest of a file is left
// to whoever runs by it: a newer release may know more fields than this program.
func Early(path string) (data string, update Update) {
	var c Config
	if f, err := os.Open(path); path != "" && err == nil {
		text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		if f.Close() == nil && err == nil {
			c, _ = decode(text)
		}
	}
	c.Sensors = nil // what is wrong with them is of no interest here
	c = c.WithDefaults("")
	return c.Data, c.Update
}
