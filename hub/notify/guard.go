package notify

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Addresses that are not public, besides those that netip knows: IANA's
// registries of special-purpose addresses, and ways to write an IPv4 address
// as an IPv6 one.
var special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "3fff::/20", "5f00::/16", "fec0::/10")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// checkIP fails for an address that a webhook must not reach. A private one
// may reach this machine and private networks, but never link-local addresses,
// where clouds keep their credentials.
func checkIP(a netip.Addr, private bool) error {
	a = a.Unmap().WithZone("")
	if a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return fmt.Errorf("address %s is not one that a webhook may reach", a)
	}
	if private && (a.IsLoopback() || a.IsPrivate()) {
		return nil
	}
	if a.IsLoopback() || a.IsPrivate() || !a.IsGlobalUnicast() {
		return fmt.Errorf("address %s is not public: say private: true if it is meant", a)
	}
	for _, p := range special {
		if p.Contains(a) {
			return fmt.Errorf("address %s is not public", a)
		}
	}
	return nil
}

// dialer gives a function that connects to allowed addresses only. It checks
// the address that is connected to, after names were resolved, so that a name
// cannot change its address in between.
func dialer(private bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("connect to %q: %w", address, err)
		}
		return checkIP(a.Addr(), private)
	}}
	return d.DialContext
}

// noRedirect makes a client take a redirect for the answer.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
