package broker

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"frostline/proto/topic"
)

// HubName is the common name of the hub's certificate as a client of an
// external broker. No gateway can have it: gateway ids hold no underscore.
const HubName = hubUser

// File is a piece of printed configuration.
type File struct {
	Name    string // base name
	Content []byte
}

// ExternalOptions says where an external broker listens and finds its files.
// Paths are the broker's, and must be absolute.
type ExternalOptions struct {
	// Gateways is the host:port for gateways, by MQTT over TLS.
	Gateways string
	// Hub is the host:port for the hub: MQTT over TLS for Mosquitto, the NATS
	// protocol over TLS for NATS.
	Hub string
	// CA is the hub's certificate authority, Certificate and Key the broker's
	// own certificate issued by it, all in PEM.
	CA, Certificate, Key string
	// CRL is the hub's list of revoked certificates, in PEM (Mosquitto).
	CRL string
	// Dir is where the printed files are put, and, for NATS, the server may
	// keep its store.
	Dir string
	// GatewayIDs are the gateways that may connect (NATS, which has no rule
	// for all of them).
	GatewayIDs []string
}

func (o ExternalOptions) check(paths map[string]string) error {
	for name, address := range map[string]string{"gateways": o.Gateways, "hub": o.Hub} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%s address %q: want host:port: %w", name, address, err)
		}
	}
	if o.Gateways == o.Hub {
		return fmt.Errorf("gateways and hub address are both %q: they need a listener each", o.Hub)
	}
	for name, path := range paths {
		if !filepath.IsAbs(path) || strings.ContainsAny(path, "\"\n\r\\{}") {
			return fmt.Errorf("%s path %q: want an absolute path without quotes, braces, backslashes or line breaks", name, path)
		}
	}
	return nil
}

// MosquittoConfig prints mosquitto.conf and its access list. Gateways and hub
// have a listener each, because gateways must not choose their client ids, or
// one could end another's session, and the hub must. Mosquitto reads the
// revocation list and the access list again at SIGHUP or restart. A connection
// that is open outlives the first; MQTT.Disconnect ends it.
func MosquittoConfig(o ExternalOptions) ([]File, error) {
	if err := o.check(map[string]string{"ca": o.CA, "certificate": o.Certificate, "key": o.Key, "crl": o.CRL, "directory": o.Dir}); err != nil {
		return nil, fmt.Errorf("mosquitto configuration: %w", err)
	}
	const aclName = "frostline.acl"
	var conf bytes.Buffer
	fmt.Fprintf(&conf, `# Mosquitto 2 for Frostline. Gateways are who their certificate says.
# %s holds who may use which topic.
per_listener_settings false
allow_anonymous false
acl_file %s
# Without it the operating system holds every acknowledgement back some 40 ms.
set_tcp_nodelay true
# Nothing rests on what the broker keeps: gateways send again.
persistence false
queue_qos0_messages false
max_queued_messages 10000
message_size_limit %d
`, aclName, filepath.Join(o.Dir, aclName), MaxPayload)
	listener := func(comment, address string, gateways bool) error {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		fmt.Fprintf(&conf, "\n# %s\nlistener %s %s\n", comment, port, host)
		fmt.Fprintf(&conf, "cafile %s\ncertfile %s\nkeyfile %s\n", o.CA, o.Certificate, o.Key)
		fmt.Fprintf(&conf, "# Revoked certificates. After a change send SIGHUP; Mosquitto reads it as its own user.\ncrlfile %s\n", o.CRL)
		fmt.Fprintf(&conf, "tls_version tlsv1.2\nrequire_certificate true\nuse_identity_as_username true\n")
		if gateways {
			fmt.Fprintf(&conf, "# So that no gateway can take over another's session.\nuse_username_as_clientid true\n")
		}
		return nil
	}
	if err := errors.Join(
		listener("Gateways.", o.Gateways, true),
		listener("The hub alone; keep it from the gateways' network.", o.Hub, false)); err != nil {
		return nil, fmt.Errorf("mosquitto configuration: %w", err)
	}

	var acl bytes.Buffer
	fmt.Fprintf(&acl, "# The hub.\nuser %s\n", HubName)
	for _, lane := range topic.Up {
		fmt.Fprintf(&acl, "topic read %s\n", topic.MQTT("+", lane))
	}
	for _, lane := range topic.Down {
		fmt.Fprintf(&acl, "topic write %s\n", topic.MQTT("+", lane))
	}
	fmt.Fprintf(&acl, "\n# Each gateway: %%u is the common name of its certificate.\n")
	for _, lane := range topic.Up {
		fmt.Fprintf(&acl, "pattern write %s\n", topic.MQTT("%u", lane))
	}
	for _, lane := range topic.Down {
		fmt.Fprintf(&acl, "pattern read %s\n", topic.MQTT("%u", lane))
	}
	return []File{{"mosquitto.conf", conf.Bytes()}, {aclName, acl.Bytes()}}, nil
}

// NATSConfig prints the configuration of a single NATS server with an MQTT
// listener; a cluster adds its cluster block and a server_name for each. Users
// are named by their certificates. A NATS server reads no revocation list: to
// revoke a gateway print the configuration again, without it, and send SIGHUP,
// which also ends its connection.
func NATSConfig(o ExternalOptions) ([]File, error) {
	if err := o.check(map[string]string{"ca": o.CA, "certificate": o.Certificate, "key": o.Key, "directory": o.Dir}); err != nil {
		return nil, fmt.Errorf("nats configuration: %w", err)
	}
	ids := slices.Sorted(slices.Values(o.GatewayIDs))
	ids = slices.Compact(ids)
	var conf bytes.Buffer
	tls := fmt.Sprintf("{ cert_file: %q, key_file: %q, ca_file: %q, verify_and_map: true, timeout: 10 }", o.Certificate, o.Key, o.CA)
	fmt.Fprintf(&conf, `# NATS server for Frostline. Users are who their certificate says.
server_name: frostline
# The hub.
listen: %q
tls %s
max_payload: %d
jetstream { store_dir: %q, max_memory_store: 16MB, max_file_store: 1GB }
# Gateways.
mqtt { listen: %q, tls %s }

authorization {
  users = [
`, o.Hub, tls, MaxPayload+wireOverhead, filepath.Join(o.Dir, "store"), o.Gateways, tls)
	// The hub reads and writes retained messages where the server keeps them.
	publish := []string{"$JS.API.INFO", "$JS.API.STREAM.INFO." + retainedStream, "$JS.API.STREAM.MSG.GET." + retainedStream, "$JS.API.STREAM.MSG.DELETE." + retainedStream, retainedRoot, retainedRoot + ".>"}
	// And its domain events, which no gateway may.
	publish = append(publish, eventSubjects, "$JS.API.STREAM.INFO."+eventStream, "$JS.API.STREAM.CREATE."+eventStream, "$JS.API.STREAM.MSG.GET."+eventStream)
	subscribe := []string{"_INBOX.>"}
	for _, lane := range topic.Down {
		publish = append(publish, topic.Subject("*", lane))
	}
	for _, lane := range topic.Up {
		subscribe = append(subscribe, topic.Subject("*", lane))
	}
	user := func(name, kind string, publish, subscribe []string) {
		fmt.Fprintf(&conf, "    { user: %q, allowed_connection_types: [%q],\n      permissions: { publish: { allow: %s }, subscribe: { allow: %s } } }\n",
			"CN="+name, kind, list(publish), list(subscribe))
	}
	user(HubName, "STANDARD", publish, subscribe)
	for _, id := range ids {
		if err := topic.CheckGateway(id); err != nil {
			return nil, fmt.Errorf("nats configuration: %w", err)
		}
		up, down := gatewaySubjects(id)
		// Where a server hands a gateway its messages with QoS 1; MQTT clients
		// cannot subscribe to it themselves.
		user(id, "MQTT", up, append(down, "$MQTT.sub.>"))
	}
	conf.WriteString("  ]\n}\n")
	return []File{{"nats.conf", conf.Bytes()}}, nil
}

func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
