package broker_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"frostline/hub/broker"
	"frostline/hub/broker/brokertest"
)

func TestEmbeddedContract(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) brokertest.Subject { return newEmbedded(t) })
}

func TestMosquittoContract(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) brokertest.Subject { return newMosquitto(t) })
}

func TestNATSContract(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) brokertest.Subject { return newNATSServer(t) })
}

// testLog shows what the broker logs when a test fails.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// freeAddress reserves nothing: the port was free a moment ago.
func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

// embedded is the Subject of the server in this process.
type embedded struct {
	ca      *brokertest.CA
	address string
	dir     string
	tls     *tls.Config

	mu      sync.Mutex
	revoked map[string]bool
}

func newEmbedded(t testing.TB) *embedded {
	ca := brokertest.NewCA(t, "Frostline test")
	return &embedded{
		ca: ca, address: freeAddress(t), dir: t.TempDir(), revoked: map[string]bool{},
		tls: &tls.Config{Certificates: []tls.Certificate{ca.Server(t)}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13},
	}
}

// Authorize stands for hub/access.
func (e *embedded) Authorize(cert *x509.Certificate) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.revoked[cert.Subject.CommonName] {
		return "", errors.New("certificate is revoked")
	}
	return cert.Subject.CommonName, nil
}

func (e *embedded) CA() *brokertest.CA        { return e.ca }
func (e *embedded) Address() string           { return e.address }
func (e *embedded) Restart() func(*testing.T) { return nil }
func (e *embedded) BindsClientID() bool       { return true }
func (e *embedded) config(t testing.TB) broker.EmbeddedConfig {
	return broker.EmbeddedConfig{Listen: e.address, Dir: e.dir, TLS: e.tls, Authorizer: e, Log: testLog(t)}
}

func (e *embedded) Hub(t *testing.T) broker.Broker {
	b, err := broker.NewEmbedded(e.config(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (e *embedded) Revoke(t *testing.T, b broker.Broker, gateway string) {
	e.mu.Lock()
	e.revoked[gateway] = true
	e.mu.Unlock()
	if err := b.Disconnect(gateway); err != nil {
		t.Fatal(err)
	}
}

// process is a server program run by a test.
type process struct {
	path    string
	args    []string
	address []string // accept connections when it is up

	cmd *exec.Cmd
}

func (p *process) start(t testing.TB) {
	t.Helper()
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = t.Output(), t.Output()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, address := range p.address {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s does not listen on %s: %v", p.path, address, err)
			}
		}
	}
}

func (p *process) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

func (p *process) reload(t testing.TB) {
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// external is the Subject of a server program.
type external struct {
	process
	ca      *brokertest.CA
	options broker.ExternalOptions
	hub     tls.Certificate
	dir     string
}

func newExternal(t *testing.T, program string) *external {
	e := &external{ca: brokertest.NewCA(t, "Frostline test"), dir: t.TempDir()}
	e.path = brokertest.Tool(t, program)
	e.hub = e.ca.Client(t, broker.HubName)
	cert, key, root := e.ca.Files(t, e.dir, "broker", e.ca.Server(t))
	e.options = broker.ExternalOptions{
		Gateways: freeAddress(t), Hub: freeAddress(t),
		CA: root, Certificate: cert, Key: key, CRL: filepath.Join(e.dir, "crl.pem"), Dir: e.dir,
	}
	e.address = []string{e.options.Gateways, e.options.Hub}
	t.Cleanup(e.kill)
	return e
}

func (e *external) CA() *brokertest.CA { return e.ca }
func (e *external) Address() string    { return e.options.Gateways }
func (e *external) Restart() func(*testing.T) {
	return func(t *testing.T) { e.kill(); e.start(t) }
}

func (e *external) write(t testing.TB, files []broker.File, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		brokertest.WriteFile(t, filepath.Join(e.dir, f.Name), f.Content)
	}
}

type mosquitto struct{ *external }

func newMosquitto(t *testing.T) mosquitto {
	m := mosquitto{newExternal(t, "mosquitto")}
	files, err := broker.MosquittoConfig(m.options)
	if err == nil && os.Getuid() == 0 { // it would give up the rights to its own files
		files[0].Content = append(files[0].Content, "\nuser root\n"...)
	}
	m.write(t, files, err)
	brokertest.WriteFile(t, m.options.CRL, m.ca.CRL(t))
	m.args = []string{"-c", filepath.Join(m.dir, "mosquitto.conf")}
	m.start(t)
	return m
}

func (m mosquitto) BindsClientID() bool { return true }

func (m mosquitto) Hub(t *testing.T) broker.Broker {
	b, err := broker.NewMQTT(broker.MQTTSettings{URL: "ssl://" + m.options.Hub, TLS: m.ca.TLS(m.hub), TakeOver: true, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Revoke rewrites the list, has it read, and ends the present connection.
func (m mosquitto) Revoke(t *testing.T, b broker.Broker, gateway string) {
	m.ca.Revoke(gateway)
	brokertest.WriteFile(t, m.options.CRL, m.ca.CRL(t))
	m.reload(t)
	if err := b.Disconnect(gateway); err != nil {
		t.Fatal(err)
	}
}

type natsServer struct{ *external }

func newNATSServer(t *testing.T) natsServer {
	n := natsServer{newExternal(t, "nats-server")}
	n.options.GatewayIDs = strings.Fields("vehicle-1 vehicle-2 vehicle-3 vehicle-4")
	files, err := broker.NATSConfig(n.options)
	n.write(t, files, err)
	n.args = []string{"-c", filepath.Join(n.dir, "nats.conf")}
	n.start(t)
	return n
}

func (n natsServer) BindsClientID() bool { return false }

func (n natsServer) Hub(t *testing.T) broker.Broker {
	b, err := broker.NewNATS(broker.NATSSettings{URL: "tls://" + n.options.Hub, TLS: n.ca.TLS(n.hub), Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Revoke prints the configuration again without the gateway.
func (n natsServer) Revoke(t *testing.T, _ broker.Broker, gateway string) {
	var rest []string
	for _, id := range n.options.GatewayIDs {
		if id != gateway {
			rest = append(rest, id)
		}
	}
	n.options.GatewayIDs = rest
	files, err := broker.NATSConfig(n.options)
	n.write(t, files, err)
	n.reload(t)
}
