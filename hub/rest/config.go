package rest

import (
	"context"
	"log/slog"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"frostline/hub/store"
)

// Tokens tells who a bearer token speaks for.
type Tokens interface {
	// Authenticate gives the actor and scopes of a token. ok is false where the
	// token is unknown, expired or revoked, or its person disabled; an error
	// means that it could not be found out.
	Authenticate(ctx context.Context, token string) (actor string, scopes []string, ok bool, err error)
}

// Config is what an API needs. A context that is nil is not mounted: its paths
// are not there, nor in the document.
type Config struct {
	Store   *store.DB // required: idempotency records and the key of page tokens
	Tokens  Tokens    // required
	Log     *slog.Logger
	Version string           // of the hub, told in the document
	Now     func() time.Time // default time.Now
	// Metrics takes the counters; nil for none.
	Metrics prometheus.Registerer

	People        People
	Catalog       Catalog
	Orders        Orders
	Custody       Custody
	Excursions    Excursions
	Notifications Notifications
	Verdicts      Verdicts
	Evidence      Evidence
	EvidenceLog   EvidenceLog
	Reports       Reports
	Desired       Desired
	Rollouts      Rollouts
	Dispatch      Dispatch
	Risks         Risks
	Proposals     Proposals
	Progress      Progress
	GatewayScans  GatewayScans
	Carriers      Carriers

	also func(huma.API) // operations of tests
}

// register mounts the contexts.
func (cfg *Config) register(api huma.API) {
	if cfg.People != nil {
		registerPeople(api, cfg.People)
	}
	if cfg.also != nil {
		cfg.also(api)
	}
	if cfg.Catalog != nil {
		registerCatalog(api, cfg.Catalog)
	}
	if cfg.Orders != nil {
		registerOrders(api, cfg.Orders)
	}
	if cfg.Custody != nil {
		registerCustody(api, cfg.Custody)
	}
	if cfg.Excursions != nil {
		registerExcursions(api, cfg.Excursions)
	}
	if cfg.Notifications != nil {
		registerNotifications(api, cfg.Notifications)
	}
	if cfg.Verdicts != nil {
		registerVerdicts(api, cfg.Verdicts)
	}
	if cfg.Evidence != nil {
		registerEvidence(api, cfg.Evidence)
	}
	if cfg.EvidenceLog != nil {
		registerLog(api, cfg.EvidenceLog)
	}
	if cfg.Reports != nil {
		registerReports(api, cfg.Reports)
	}
	if cfg.Desired != nil {
		registerDesired(api, cfg.Desired)
	}
	if cfg.Rollouts != nil {
		registerRollouts(api, cfg.Rollouts)
	}
	if cfg.Dispatch != nil {
		registerDispatch(api, cfg.Dispatch)
	}
	if cfg.Dispatch != nil && cfg.Progress != nil {
		registerProgress(api, cfg.Dispatch, cfg.Progress, cfg.Now)
	}
	if cfg.Risks != nil {
		registerRisks(api, cfg.Risks)
	}
	if cfg.Proposals != nil {
		registerProposals(api, cfg.Proposals)
	}
	if cfg.GatewayScans != nil {
		registerGatewayScans(api, cfg.GatewayScans)
	}
	if cfg.Carriers != nil {
		registerCarriers(api, cfg.Carriers)
	}
}
