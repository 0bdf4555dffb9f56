package notify

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"frostline/hub/durable"
)

func example(t *testing.T) Config {
	t.Helper()
	var c Config
	if err := yaml.NewDecoder(strings.NewReader(Example), yaml.Strict()).Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExampleIsTaken(t *testing.T) {
	c := example(t)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.SMTP.Port != 587 || c.SMTP.Security != "starttls" || c.Policies[0].Levels[0].Within != 15*time.Minute || c.Repeats() != 3 || c.Retry.For != 24*time.Hour {
		t.Errorf("defaults: %+v", c)
	}
}

func TestWhatCannotBeIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*Config)
		want  string
	}{
		"link":            {func(c *Config) { c.Link = "hub" }, `link "hub"`},
		"no smtp":         {func(c *Config) { c.SMTP = nil }, "smtp is not set"},
		"clear password":  {func(c *Config) { c.SMTP.Security, c.SMTP.Host = "none", "localhost" }, "not sent in the clear"},
		"clear to others": {func(c *Config) { c.SMTP.Security, c.SMTP.User, c.SMTP.PasswordFile = "none", "", "" }, "not this machine"},
		"security":        {func(c *Config) { c.SMTP.Security = "ssl" }, `security "ssl"`},
		"user alone":      {func(c *Config) { c.SMTP.PasswordFile = "" }, "set both or neither"},
		"address":         {func(c *Config) { c.Contacts[0].Email = "Anna <anna@example.com>" }, `contact "anna": email`},
		"contact twice":   {func(c *Config) { c.Contacts[1].Name = "anna" }, "used twice"},
		"time zone":       {func(c *Config) { c.Schedules[0].TimeZone = "Mars/Base" }, "time-zone"},
		"on call":         {func(c *Config) { c.Schedules[0].Contacts = nil }, "nobody is on call"},
		"override": {func(c *Config) {
			c.Schedules[0].Overrides = []Override{{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "anna"}}
		}, "until"},
		"http":               {func(c *Config) { c.Webhooks[0].URL = "http://pager.example.com" }, "want https"},
		"metadata":           {func(c *Config) { c.Webhooks[0].URL = "https://169.254.169.254/" }, "not one that a webhook may reach"},
		"loopback":           {func(c *Config) { c.Webhooks[0].URL = "https://127.0.0.1/" }, "not public"},
		"no secret":          {func(c *Config) { c.Webhooks[0].SecretFiles = nil }, "secret-files"},
		"events of patients": {func(c *Config) { c.Webhooks[0].Events = []string{"orders.order_placed"} }, "no such type of event of an excursion"},
		"severity":           {func(c *Config) { c.Policies[0].Severities = []string{"bad"} }, `severities: "bad"`},
		"nobody":             {func(c *Config) { c.Policies[0].Levels[0].Notify = nil }, "notify"},
		"unknown contact":    {func(c *Config) { c.Policies[0].Levels[0].Notify = []string{"contact:zoe"} }, `"contact:zoe"`},
		"no time":            {func(c *Config) { c.Policies[0].Levels[0].Within = 0 }, "within 0s"},
		"retry":              {func(c *Config) { c.Retry.First = time.Hour }, "retry"},
		"gather":             {func(c *Config) { c.Gather.First = time.Hour }, "gather"},
		"rate":               {func(c *Config) { c.Webhooks[0].Rate = -1 }, "rate -1"},
	} {
		c := example(t)
		test.spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestSecretsThatOthersCanReadAreRefused(t *testing.T) {
	path := write(t, "secret", "whsec_c2VjcmV0\n")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.ReadSecret(path); err == nil || !strings.Contains(err.Error(), "chmod 0600") {
		t.Errorf("mode 0644: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newHook(Webhook{SecretFiles: []string{path}}); err == nil || !strings.Contains(err.Error(), "24 to 64 bytes") {
		t.Errorf("short secret: %v", err)
	}
}

func TestWhoIsOnCall(t *testing.T) {
	s := Schedule{
		TimeZone: "Europe/Berlin", Start: "2026-03-23", At: "08:00", Days: 7, Contacts: []string{"anna", "ben", "cem"},
		Overrides: []Override{{"2026-04-01T18:00:00+02:00", "2026-04-02T06:00:00+02:00", "cem"}},
	}
	for at, want := range map[string]string{
		"2026-03-23T07:59:59+01:00": "cem", // before the first hand-over
		"2026-03-23T08:00:00+01:00": "anna",
		"2026-03-30T07:59:59+02:00": "anna", // the clocks went forward on the 29th
		"2026-03-30T08:00:00+02:00": "ben",
		"2026-04-01T18:00:00+02:00": "cem",
		"2026-04-02T06:00:00+02:00": "ben",
		"2026-04-06T08:00:00+02:00": "cem",
		"2026-04-13T08:00:00+02:00": "anna",
	} {
		tm, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.OnCall(tm); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
}

func TestPausesGrowAndStayBelowTheLongest(t *testing.T) {
	r := Retry{First: time.Second, Longest: 10 * time.Second}
	for n, most := range []time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second, 60: 10 * time.Second} {
		if n == 0 || most == 0 {
			continue
		}
		for range 100 {
			if d := r.pause(n); d > most || d < most/2 {
				t.Fatalf("pause %d is %s, want %s to %s", n, d, most/2, most)
			}
		}
	}
}
