package durable

import (
	"fmt"
	"os"
	"strings"
)

// ReadSecret reads one line, of at most 4096 bytes, from a file that only its
// owner can read.
func ReadSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > 4096 {
		return "", fmt.Errorf("%s: want a file of at most 4096 bytes", path)
	}
	if m := info.Mode().Perm(); m&0o077 != 0 {
		return "", fmt.Errorf("%s: mode %04o: others can read it; chmod 0600 %s", path, m, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s: want one line", path)
	}
	return s, nil
}
