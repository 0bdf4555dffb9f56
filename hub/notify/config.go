package notify

import "time"

// Config is who is told about what. It is read from the hub's YAML file; see
// Example. Validate says what is wrong with it.
type Config struct {
	// Link is the address of the hub's pages as people reach them, such as
	// https://hub.example.com; messages link to LINK/view/excursion/ID.
	Link string `yaml:"link"`
	// Source names this hub in CloudEvents, a URI; "" means Link.
	Source    string     `yaml:"source"`
	SMTP      *SMTP      `yaml:"smtp"` // required when somebody is told by e-mail
	Contacts  []Contact  `yaml:"contacts"`
	Schedules []Schedule `yaml:"schedules"`
	Webhooks  []Webhook  `yaml:"webhooks"`
	Policies  []Policy   `yaml:"policies"`
	// Sagas says who is told of what follows from an excursion. Quality and
	// dispatch are, where nothing is said of them, those whom the policy for
	// alarms tells first.
	Sagas []Told `yaml:"sagas"`
	// RepeatLast is how often the last level is told again while nobody
	// acknowledges, 0 to 100; default 3.
	RepeatLast *int   `yaml:"repeat-last"`
	Gather     Gather `yaml:"gather"`
	Retry      Retry  `yaml:"retry"`
}

// SMTP is the server that takes e-mail.
type SMTP struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"` // default 587, with tls 465
	// Security: starttls (default; refuses a server without it), tls (from the
	// first byte), or none, which is for a server on this machine only.
	Security string `yaml:"security"`
	CAFile   string `yaml:"ca-file"` // PEM; "" means the system's authorities
	User     string `yaml:"user"`    // "" for no authentication
	// PasswordFile holds the password; mode 0600.
	PasswordFile string        `yaml:"password-file"`
	From         string        `yaml:"from"`    // address of the sender
	Timeout      time.Duration `yaml:"timeout"` // of one message; default 30s
}

// Gather says how e-mail about excursions of one cause is put together: those
// at one place, by one profile, of one kind, that begin within Window of one
// another. The first message waits for First, so that a zone that warms up is
// told of once; more of the same is told by an update, Update after the last
// message. What is worse than anything told before (a greater severity, a
// level of escalation, a reopening) waits for First alone.
type Gather struct {
	First  time.Duration `yaml:"first"`  // 10ms to 5m; default 20s
	Update time.Duration `yaml:"update"` // First to 24h; default 15m
	Window time.Duration `yaml:"window"` // 0s < window <= 24h; default 1h
}

// Contact is a person who can be told.
type Contact struct {
	Name  string `yaml:"name"`
	Email string `yaml:"email"`
}

// Schedule says who is on call. Contacts take turns of Days calendar days,
// from the date Start on, handing over at the time At in TimeZone, also across
// a change of daylight saving time.
type Schedule struct {
	Name     string   `yaml:"name"`
	TimeZone string   `yaml:"time-zone"` // such as Europe/Berlin; default UTC
	Start    string   `yaml:"start"`     // YYYY-MM-DD, when the first contact takes over
	At       string   `yaml:"at"`        // HH:MM; default 00:00
	Days     int      `yaml:"days"`      // 1 to 366
	Contacts []string `yaml:"contacts"`
	// Overrides go before the turns; of several the last holds.
	Overrides []Override `yaml:"overrides"`
}

// Override puts one contact on call from From until Until, exclusive; RFC 3339.
type Override struct {
	From    string `yaml:"from"`
	Until   string `yaml:"until"`
	Contact string `yaml:"contact"`
}

// Webhook is a program that can be told.
type Webhook struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"` // https, or http when private
	// SecretFiles hold the secrets it is signed with, as "whsec_" and base64 of
	// 24 to 64 bytes; mode 0600. At most 4.
	SecretFiles []string `yaml:"secret-files"`
	// Private allows an address of this machine or a private network.
	Private bool          `yaml:"private"`
	CAFile  string        `yaml:"ca-file"` // PEM; "" means the system's authorities
	Timeout time.Duration `yaml:"timeout"` // of one attempt; default 10s
	// Rate is how many attempts are made a second at most, 0.1 to 1000; default 10.
	Rate float64 `yaml:"rate"`
	// Events are types that it is told of whatever the policies say, such as
	// excursion.closed; only types of excursions.
	Events []string `yaml:"events"`
}

// Policy says who is told of an excursion. The first one that fits decides.
type Policy struct {
	Name       string   `yaml:"name"`
	Severities []string `yaml:"severities"` // warning, alarm, critical; none means all
	Kinds      []string `yaml:"kinds"`      // limit, mkt, budget, unmonitored; none means all
	Levels     []Level  `yaml:"levels"`     // 1 to 10
	// Inform are told, besides level 1, that data have retracted an excursion.
	Inform []string `yaml:"inform"`
}

// Level of escalation.
type Level struct {
	// Notify are contact:NAME, schedule:NAME or webhook:NAME.
	Notify []string `yaml:"notify"`
	// Within is how long somebody has to acknowledge before the next level is
	// told, 1m to 168h; 0 on the only level of a policy: nobody has to.
	Within time.Duration `yaml:"within"`
}

// Retry says how often a delivery is tried: after First, then twice as long
// each time up to Longest, each shortened by up to a half at random, for For.
type Retry struct {
	First   time.Duration `yaml:"first"`   // default 10s
	Longest time.Duration `yaml:"longest"` // default 15m
	For     time.Duration `yaml:"for"`     // default 24h
}

// Example is a configuration that Validate takes.
const Example = `link: https://hub.example.com
smtp:
  host: smtp.example.com
  user: frostline
  password-file: /etc/frostline/smtp-password   # mode 0600
  from: frostline@example.com
contacts:
  - {name: anna, email: anna@example.com}
  - {name: ben, email: ben@example.com}
  - {name: quality, email: quality@example.com}
schedules:
  - name: night
    time-zone: Europe/Berlin
    start: "2026-01-05"
    at: "08:00"
    days: 7
    contacts: [anna, ben]
webhooks:
  - name: pager
    url: https://pager.example.com/hooks/frostline
    secret-files: [/etc/frostline/pager-secret]   # mode 0600: whsec_… (base64)
    events: [excursion.closed]
gather: {first: 20s, update: 15m, window: 1h}   # e-mail about one cause
sagas:
  - {audience: qa, notify: ["contact:quality"]}
  - {audience: patient, notify: ["webhook:pager"]}   # a token, for the pharmacy's system
policies:
  - name: urgent
    severities: [alarm, critical]
    levels:
      - {notify: ["schedule:night", "webhook:pager"], within: 15m}
      - {notify: ["contact:quality"], within: 30m}
    inform: ["contact:quality"]
  - name: the rest
    levels:
      - {notify: ["contact:quality"]}
`

// Levels gives how long each level of the policy that fits has to acknowledge;
// none where nobody has to.
func (c *Config) Levels(severity, kind string) []time.Duration {
	p := c.policy(severity, kind)
	if p == nil {
		return nil
	}
	var all []time.Duration
	for _, l := range p.Levels {
		if l.Within == 0 {
			return nil
		}
		all = append(all, l.Within)
	}
	return all
}

// Repeats is how often the last level is told again.
func (c *Config) Repeats() int {
	if c.RepeatLast == nil {
		return 3
	}
	return *c.RepeatLast
}

func (c *Config) policy(severity, kind string) *Policy {
	for i := range c.Policies {
		if p := &c.Policies[i]; fits(p.Severities, severity) && fits(p.Kinds, kind) {
			return p
		}
	}
	return nil
}

func fits(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return len(words) == 0
}
