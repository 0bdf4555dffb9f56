package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"frostline/hub/api"
)

// candidates are where a hub's socket is looked for when nothing says where.
var candidates = []string{
	filepath.Join(".", "frostline-data", "hub", "frostline.sock"),
	"/var/lib/frostline/hub/frostline.sock",
}

// hub finds the hub, or says where it was looked for, why none answered, and
// what to do.
func (o *options) hub() (*api.Client, error) {
	places, said := candidates, ""
	if env := os.Getenv("FROSTLINE_SOCKET"); env != "" {
		places, said = []string{env}, " (from $FROSTLINE_SOCKET)"
	}
	if o.socket != "" {
		places, said = []string{o.socket}, " (from --socket)"
	}
	var tried []string
	remedy := "start one with: frostline-hub serve; or name its socket with --socket PATH"
	for _, path := range places {
		conn, err := net.DialTimeout("unix", path, 5*time.Second)
		if err == nil {
			conn.Close()
			return api.NewClient(path), nil
		}
		why := err.Error()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			why = "is not there"
		case errors.Is(err, syscall.ECONNREFUSED):
			why = "is there, and no hub behind it"
		case errors.Is(err, fs.ErrPermission):
			why = "may not be opened by this user"
			remedy = "run this command as the user the hub runs as, for example: sudo -u frostline frostline …"
		case errors.Is(err, syscall.ENOTSOCK):
			why = "is no socket"
		}
		tried = append(tried, fmt.Sprintf("%s%s %s", path, said, why))
	}
	return nil, fmt.Errorf("no hub answers: %s; %s", strings.Join(tried, "; "), remedy)
}
