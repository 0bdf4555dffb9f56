// Package access decides which gateways are known, and how a new one becomes
// so: it holds the hub's certificate authority, gives out one-time codes,
// enrols gateways and renews their certificates, revokes them, and keeps the
// public keys by which seals are verified, past ones included.
//
// The parts:
//
//	CA         root key and certificate in files; issues all others
//	Registrar  what is known of gateways, in memory over a Repository
//	Server     the enrolment listener, HTTPS
//	Repository the durable side; SQL is the one on the hub's store
//
// What is durable when: every change is one transaction of the Repository
// together with its entry in the trail, and is acted on only after the commit.
// A revocation takes effect in memory right after its commit, before the
// connections are ended, so that a gateway that comes back meanwhile is
// refused; after a crash in between, the next start finds it revoked and writes
// the revocation list anew.
//
// What a gateway must show: its certificate, and nothing else. Certificates
// are looked up by serial number at each connection, so that one that was
// revoked, superseded or issued by a stolen copy of the authority's key but
// never recorded is refused.
package access
