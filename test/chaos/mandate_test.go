package chaos

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"frostline/hub/api"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// TestWhatTheHubWants: the hub changes an interval and the gateway reads so,
// also after kill -9; what is invalid, forged or old changes nothing and is
// told; commands are done once. Every reading is accounted for in the end.
func TestWhatTheHubWants(t *testing.T) {
	t.Parallel()
	s := build(t, seeded(t), layout{gateways: 1, broker: "mosquitto", few: true})
	s.startAll()
	g := s.gateways[0]
	s.await("the gateway to say what it runs", func() (bool, error) {
		c, err := s.wanted()
		return c.Told != 0 && !c.Keyless, err
	})

	out, err := s.want("sensors:\n  - id: air-1\n    interval: 500ms\n", "every half second")
	s.must(err)
	if !strings.Contains(out, "is to run version 1") || !strings.Contains(out, "it runs version 1") {
		t.Errorf("frostline gateway config says\n%s", out)
	}
	s.proven(1)
	s.reads("air-1", 500)
	s.await("the hub to show the interval", func() (bool, error) {
		gs, err := api.NewClient(s.socket()).Gateways(t.Context())
		if err != nil || len(gs) != 1 {
			return false, err
		}
		return slices.ContainsFunc(gs[0].Sensors, func(x api.Sensor) bool {
			return x.Sensor == "air-1" && slices.ContainsFunc(x.Channels, func(c api.Channel) bool { return c.Current && c.IntervalMs == 500 && c.Latest != nil })
		}), nil
	})
	broker := s.onBroker(g.id)

	s.must(g.kill())
	s.must(g.start())
	s.reads("air-1", 500)
	s.proven(1)

	out, err = s.want("sensors:\n  - id: air-1\n    interval: 1ms\n", "a slip")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Errorf("an invalid document: %v", err)
	}
	if !strings.Contains(out, "it refused version 2") || !strings.Contains(out, "sensors[air-1].interval") || !strings.Contains(out, "it runs version 1") {
		t.Errorf("frostline gateway config says\n%s", out)
	}
	s.reads("air-1", 500)
	_, err = s.want("sensors:\n  - id: air-1\n    interval: 400ms\n", "faster")
	s.must(err)
	s.proven(3)
	s.reads("air-1", 400)

	// Whoever holds the broker can say what he likes.
	thief := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("t"), ed25519.SeedSize))
	genuine := broker.stolen()
	slow := &pb.Desired{Gateway: g.id, Version: 99, Document: "sensors: [{id: air-1, interval: 10m}]"}
	forged, err := mandate.SignDesired(slow, thief)
	s.must(err)
	slow.Version = 2
	older, err := mandate.SignDesired(slow, genuine)
	s.must(err)
	slow.Version, slow.Gateway = 99, "van-2"
	others, err := mandate.SignDesired(slow, genuine)
	s.must(err)
	for _, x := range []struct {
		payload []byte
		why     string
	}{{forged, "not signed by the hub"}, {others, "not signed by the hub"}, {older, "not newer"}, {[]byte("garbage"), "cannot be read"}} {
		broker.say(topic.Config, x.payload)
		s.complains(x.why)
	}
	s.reads("air-1", 400)
	s.await("the hub to be told that somebody tried", func() (bool, error) {
		gs, err := api.NewClient(s.socket()).Gateways(t.Context())
		return err == nil && slices.ContainsFunc(gs[0].Faults, func(f api.Fault) bool { return f.Part == "configuration" }), err
	})

	// Commands.
	if out, err := s.ask("identify", g.id, "--for", "2m"); err != nil || !strings.Contains(out, "showing itself for 2m0s") {
		t.Errorf("identify: %s, %v", out, err)
	}
	if st, err := g.status(t.Context()); err != nil || st.IdentifyMs == 0 || st.Config.Running != 3 {
		t.Errorf("the agent says %d ms, %+v, %v", st.IdentifyMs, st.Config, err)
	}
	if out, err := s.ask("diagnostics", g.id); err != nil || !strings.Contains(out, "journal") || strings.Contains(out, "PRIVATE KEY") {
		t.Errorf("diagnostics: %s, %v", out, err)
	}
	if out, err := s.ask("log-level", g.id, "debug", "--for", "1m"); err != nil || !strings.Contains(out, "at debug for 1m0s, then at INFO again") {
		t.Errorf("log-level: %s, %v", out, err)
	}
	up := s.uptime()
	if out, err := s.ask("restart", g.id, "--reason", "test"); err != nil || !strings.Contains(out, "started again") {
		t.Errorf("restart: %s, %v", out, err)
	}
	if now := s.uptime(); now >= up {
		t.Errorf("the agent runs since %d ms, before the restart it was %d", now, up)
	}
	s.reads("air-1", 400)
	up = s.uptime()
	again, err := mandate.SignCommand(&pb.Command{Gateway: g.id, Number: 5, Kind: mandate.Restart, ExpiresUtcMs: time.Now().Add(time.Hour).UnixMilli()}, genuine)
	s.must(err)
	broker.say(topic.Command, again)
	s.complains("taken before")
	if now := s.uptime(); now < up {
		t.Errorf("a command that was repeated was done: the agent runs since %d ms, before it was %d", now, up)
	}
	shown, err := s.run("frostline-edge", "config", "--show", "--config", g.config)
	s.must(err)
	if !strings.Contains(strings.Join(strings.Fields(string(shown)), " "), "interval: 400ms # hub") {
		t.Errorf("config --show says\n%s", shown)
	}
	s.settle()
	s.finish()
}

// The same over the hub's own broker and NATS, in short: by their rules a gateway
// hears what is for it, retained too, and answers.
func TestWhatTheHubWantsOverOtherBrokers(t *testing.T) {
	for _, kind := range []string{"", "nats"} {
		t.Run("broker "+kind, func(t *testing.T) {
			t.Parallel()
			s := build(t, seeded(t), layout{gateways: 1, broker: kind, few: true})
			s.must(s.hub.start())
			// Set before the gateway ever connects.
			out, err := s.want("sensors: [{id: air-1, interval: 500ms}]", "early")
			s.must(err)
			if !strings.Contains(out, "has not said yet") {
				t.Errorf("frostline gateway config says\n%s", out)
			}
			s.startAll()
			s.proven(1)
			s.reads("air-1", 500)
			if out, err := s.ask("identify", "van-1"); err != nil || !strings.Contains(out, "showing itself for 30s") {
				t.Errorf("identify: %s, %v", out, err)
			}
			s.settle()
			s.finish()
		})
	}
}

// want sets the desired state of van-1 and gives what the command line says.
func (s *site) want(document, reason string) (string, error) {
	file := filepath.Join(s.dir, "desired.yaml")
	s.write(file, document)
	return s.ask("config", "van-1", "--file", file, "--reason", reason)
}

func (s *site) ask(words ...string) (string, error) {
	cmd := exec.Command(command(s.TB, "frostline"), append(append([]string{"gateway"}, words...), "--socket", s.socket())...)
	cmd.Stderr = s.Output()
	out, err := cmd.Output()
	return string(out), err
}

func (s *site) wanted() (c api.GatewayConfig, err error) {
	return api.NewClient(s.socket()).GatewayConfig(s.Context(), "van-1")
}

func (s *site) proven(version int64) {
	s.Helper()
	s.await(fmt.Sprintf("version %d to have proven itself", version), func() (bool, error) {
		c, err := s.wanted()
		return c.Running == version && !c.Trial, err
	})
}

// reads waits until the agent says that it reads a sensor so.
func (s *site) reads(sensor string, ms int64) {
	s.Helper()
	s.await(fmt.Sprintf("%s to be read every %d ms", sensor, ms), func() (bool, error) {
		st, err := s.gateways[0].status(s.Context())
		for _, x := range st.Sensors {
			if x.ID == sensor {
				return x.IntervalMs == ms && len(x.Last) > 0 && x.Last[0].AgeMs != nil, err
			}
		}
		return false, err
	})
}

func (s *site) complains(why string) {
	s.Helper()
	s.await("the gateway to say "+why, func() (bool, error) {
		st, err := s.gateways[0].status(s.Context())
		for _, f := range st.Faults {
			if strings.Contains(f.Detail, why) {
				return true, nil
			}
		}
		return false, err
	})
}

// uptime is how long the agent has run, ms.
func (s *site) uptime() (ms int64) {
	s.Helper()
	s.await("the agent to answer", func() (bool, error) {
		st, err := s.gateways[0].status(s.Context())
		ms = st.UptimeMs
		return err == nil, err
	})
	return ms
}

// intruder is somebody who has got hold of the broker.
type intruder struct {
	*site
	gateway string
	client  mqtt.Client
}

// onBroker connects with the hub's own certificate.
func (s *site) onBroker(gateway string) *intruder {
	s.Helper()
	dir := filepath.Join(s.hubData(), "authority")
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "hub-client.pem"), filepath.Join(dir, "hub-client.pem"))
	s.must(err)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	s.must(err)
	url := s.hub.args[slices.Index(s.hub.args, "--broker")+1]
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	o := mqtt.NewClientOptions().AddBroker("ssl" + strings.TrimPrefix(url, "mqtts")).SetClientID("intruder").SetTLSConfig(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}})
	i := &intruder{site: s, gateway: gateway, client: mqtt.NewClient(o)}
	i.done(i.client.Connect())
	s.Cleanup(func() { i.client.Disconnect(100) })
	return i
}

func (i *intruder) done(t mqtt.Token) {
	i.Helper()
	if !t.WaitTimeout(30 * time.Second) {
		i.Fatal("the broker does not answer")
	}
	i.must(t.Error())
}

func (i *intruder) say(lane topic.Lane, payload []byte) {
	i.Helper()
	i.done(i.client.Publish(topic.MQTT(i.gateway, lane), 1, lane == topic.Config, payload))
}

// stolen is the hub's own key, to make what it would have signed.
func (i *intruder) stolen() ed25519.PrivateKey {
	i.Helper()
	text, err := os.ReadFile(filepath.Join(i.hubData(), "authority", "mandate.key"))
	i.must(err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	i.must(err)
	return key.(ed25519.PrivateKey)
}
