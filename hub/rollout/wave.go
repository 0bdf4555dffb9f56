package rollout

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"frostline/proto/topic"
)

const maxWaves = 16

// plan divides gateways into waves. A wave is given as a number of gateways, as a
// percentage of all, both counted with the waves before it, or as names and
// patterns, such as "van-1,pharmacy-*". What no wave has is left out: the last
// wave is 100% where all are meant. Who comes first is drawn by lot, so that it is
// not always the same.
func plan(gateways, waves []string, lot string) ([][]string, error) {
	if len(waves) == 0 || len(waves) > maxWaves {
		return nil, fmt.Errorf("waves: %w: got %d, want 1 to %d, such as 1 10%% 100%%", ErrInvalid, len(waves), maxWaves)
	}
	left := slices.Clone(gateways)
	drawn := func(gateway string) string { s := sha256.Sum256([]byte(lot + "/" + gateway)); return string(s[:]) }
	slices.SortFunc(left, func(a, b string) int { return cmp.Compare(drawn(a), drawn(b)) })
	var all [][]string
	for i, w := range waves {
		bad := func(remedy string) ([][]string, error) {
			return nil, fmt.Errorf("waves[%d] %q: %w: %s", i, w, ErrInvalid, remedy)
		}
		had := len(gateways) - len(left)
		var wave []string
		count, percent := strings.CutSuffix(strings.TrimSpace(w), "%")
		n, err := strconv.Atoi(count)
		switch {
		case err == nil && percent && (n < 1 || n > 100):
			return bad("want 1% to 100%")
		case err == nil && n < 1:
			return bad("want at least 1")
		case err == nil:
			if percent {
				n = (len(gateways)*n + 99) / 100
			}
			n = min(max(n-had, 0), len(left))
			wave, left = left[:n:n], left[n:]
		default:
			for _, pattern := range strings.Split(w, ",") {
				pattern = strings.TrimSpace(pattern)
				if _, err := path.Match(pattern, "van-1"); err != nil || topic.CheckGateway(strings.NewReplacer("*", "aaa", "?", "a").Replace(pattern)) != nil {
					return bad("want a number, a percentage, or names of gateways such as van-1,pharmacy-*")
				}
				found := false
				for _, g := range gateways {
					if ok, _ := path.Match(pattern, g); ok { // the pattern is sound
						found = true
						if slices.Contains(left, g) {
							wave = append(wave, g)
						}
					}
				}
				if !found {
					return bad("no gateway that is enrolled is called " + pattern)
				}
				left = slices.DeleteFunc(left, func(g string) bool { return slices.Contains(wave, g) })
			}
		}
		all = append(all, wave)
	}
	if len(gateways) == len(left) {
		return nil, fmt.Errorf("waves: %w: no gateway is in any of them", ErrInvalid)
	}
	return all, nil
}
