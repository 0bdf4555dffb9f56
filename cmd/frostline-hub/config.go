package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"frostline/hub/desired/compose"
	"frostline/hub/dispatch/footprint"
	"frostline/hub/influx"
	"frostline/hub/notify"
	"frostline/hub/people/oidc"
	"frostline/hub/trace/dscsa"
	"frostline/hub/workflow"
)

// config is what the hub can be told. Every field has a default that works on
// one machine with no file at all.
type config struct {
	// Data is the directory of everything the hub keeps: store, keys, sockets,
	// broker state. Default "frostline-data/hub". Made with mode 0700.
	Data string `yaml:"data"`
	// Store is where commits go: "sqlite:PATH" or "postgres://…". Default a
	// SQLite file in Data.
	Store string `yaml:"store"`
	// Public is the host name or address under which gateways reach this hub.
	// Set, it goes into the server certificate and the enrolment codes, and the
	// MQTT and enrolment listeners open on all interfaces. Default empty:
	// everything listens on loopback.
	Public string `yaml:"public"`
	// Web is the address of the pages: loopback, or any with TLS. Default
	// 127.0.0.1:8080.
	Web string `yaml:"web"`
	// TLS lets people reach the pages from other machines. Default none: the pages
	// listen on loopback only.
	TLS tlsConfig `yaml:"tls"`
	// OIDC is a provider that people sign in by. Default none.
	OIDC oidc.Config `yaml:"oidc"`
	// MQTT is the address of the embedded broker's listener (mutual TLS).
	// Default port 8883. Not used with an external broker.
	MQTT string `yaml:"mqtt"`
	// Enrol is the address of the enrolment listener (TLS). Default port 8884.
	Enrol string `yaml:"enrol"`
	// Broker chooses an external broker instead of the embedded one:
	// "nats://…" or "tls://HOST:PORT" for a NATS cluster, "mqtt://HOST:PORT" or
	// "mqtts://HOST:PORT" for any MQTT broker. Default empty: embedded.
	Broker brokerConfig `yaml:"broker"`
	// Notify says who is told of excursions, by e-mail and webhook. Default
	// nobody.
	Notify notify.Config `yaml:"notify"`
	// Witnesses cosign the evidence log. Default none.
	Witnesses witnessConfig `yaml:"witnesses"`
	// Influx is where readings are copied to for dashboards. Default nowhere.
	Influx influx.Config `yaml:"influx"`
	// Road is the road engine that says how long ways take. Default none.
	Road roadConfig `yaml:"road"`
	// Epcis is how EPCIS events are exchanged.
	Epcis epcisConfig `yaml:"epcis"`
	// DSCSA is who the company is, and by which rules it answers. Default nobody:
	// documents of partners are taken, and none are made.
	DSCSA dscsa.Config `yaml:"dscsa"`
	// Sagas says what follows from an excursion by itself. Default: for alarms
	// and what is worse, the delivery is held.
	Sagas workflow.Config `yaml:"sagas"`
	// Compose is what gateways are told by themselves: storage profiles of
	// packages beside them, and next stops. Default: all gateways are.
	Compose compose.Config `yaml:"compose"`
	// Carriers are the mapping files of partner carriers; see frostline carriers.
	// Default none.
	Carriers []string `yaml:"carriers"`
	// Footprint is what kinds of couriers emit. Default diesel vans and bikes.
	Footprint footprint.Factors `yaml:"footprint"`
	// Patients is how patients follow their deliveries.
	Patients patientsConfig `yaml:"patients"`
	// LogLevel is debug, info, warn or error. Default info.
	LogLevel string `yaml:"log_level"`
}

type brokerConfig struct {
	URL         string `yaml:"url"`         // empty: embedded
	Gateways    string `yaml:"gateways"`    // HOST:PORT that gateways are told; default the host of URL, port 8883
	CA          string `yaml:"ca"`          // PEM file that signed the broker's certificate; default the hub's own authority
	Certificate string `yaml:"certificate"` // PEM file of the hub's client certificate; default one the hub issues itself
	Key         string `yaml:"key"`         // PEM file, beside Certificate
	Credentials string `yaml:"credentials"` // NATS .creds file
	CRL         string `yaml:"crl"`         // file the hub keeps for the broker's crlfile; default DATA/crl.pem
}

// witnessConfig names second parties who sign what the evidence log says.
type witnessConfig struct {
	Quorum int `yaml:"quorum"` // how many have to cosign a checkpoint before it is used
	List   []struct {
		URL string `yaml:"url"` // under which it answers add-checkpoint
		Key string `yaml:"key"` // its verifier key, as it prints it
	} `yaml:"list"`
}

func defaults() config {
	return config{Data: filepath.Join("frostline-data", "hub"), Web: "127.0.0.1:8080", LogLevel: "info"}
}

// loadConfig reads a YAML file over the defaults. An unknown field is an error.
func loadConfig(path string) (config, error) {
	c := defaults()
	if path == "" {
		return c, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// complete fills in what follows from other fields and lists what was assumed.
func (c *config) complete() (assumed []string) {
	say := func(format string, a ...any) { assumed = append(assumed, fmt.Sprintf(format, a...)) }
	host := "127.0.0.1"
	if c.Public != "" {
		host = ""
	} else {
		say("public: empty, so gateways on other machines cannot reach this hub (set --public HOST)")
	}
	if c.Store == "" {
		c.Store = "sqlite:" + filepath.Join(c.Data, "frostline.db")
		say("store: %s", c.Store)
	}
	if c.MQTT == "" && c.Broker.URL == "" {
		c.MQTT = net.JoinHostPort(host, "8883")
		say("mqtt: %s", c.MQTT)
	}
	if c.Enrol == "" {
		c.Enrol = net.JoinHostPort(host, "8884")
		say("enrol: %s", c.Enrol)
	}
	if c.Broker.URL == "" {
		say("broker: embedded")
	}
	if c.Notify.Link == "" {
		c.Notify.Link = c.pagesLink()
	}
	if c.Broker.CRL == "" {
		c.Broker.CRL = filepath.Join(c.Data, "crl.pem")
	}
	return assumed
}

// validate reports every problem at once, each with field, value and remedy.
func (c *config) validate() error {
	var errs []error
	bad := func(field, value, remedy string) {
		errs = append(errs, fmt.Errorf("%s: %q: %s", field, value, remedy))
	}
	if c.Data == "" {
		bad("data", c.Data, "name a directory")
	}
	if scheme, rest, ok := strings.Cut(c.Store, ":"); !ok || rest == "" || (scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql") {
		bad("store", c.Store, "want sqlite:PATH or postgres://USER@HOST/DATABASE")
	}
	for field, addr := range map[string]string{"web": c.Web, "mqtt": c.MQTT, "enrol": c.Enrol} {
		if addr == "" && field == "mqtt" && c.Broker.URL != "" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad(field, addr, "want HOST:PORT, for example 127.0.0.1:8080")
		}
	}
	if c.Public != "" && strings.ContainsAny(c.Public, ":/ ") && net.ParseIP(c.Public) == nil {
		bad("public", c.Public, "want a host name or an IP address, without scheme or port")
	}
	if field, value, remedy := c.TLS.problem(c.Public); field != "" {
		bad(field, value, remedy)
	}
	if err := c.OIDC.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Broker.URL != "" {
		u, err := url.Parse(c.Broker.URL)
		if err != nil || u.Host == "" {
			bad("broker.url", c.Broker.URL, "want nats://, tls://, mqtt:// or mqtts:// and HOST:PORT")
		} else if s := u.Scheme; s != "nats" && s != "tls" && s != "mqtt" && s != "mqtts" {
			bad("broker.url", c.Broker.URL, "want scheme nats, tls, mqtt or mqtts")
		}
		if (c.Broker.Certificate == "") != (c.Broker.Key == "") {
			bad("broker.key", c.Broker.Key, "set certificate and key together")
		}
	}
	if err := c.Influx.Validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Footprint.Validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Road.validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Patients.validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Notify.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("notify: %w", err))
	}
	if err := c.Sagas.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("sagas: %w", err))
	}
	if q := c.Witnesses.Quorum; q < 0 || q > len(c.Witnesses.List) {
		bad("witnesses.quorum", fmt.Sprint(q), fmt.Sprintf("want 0 to %d, the number of witnesses", len(c.Witnesses.List)))
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		bad("log_level", c.LogLevel, "want debug, info, warn or error")
	}
	return errors.Join(errs...)
}
